/**
 * Tells the service and the page around of a try that came to nothing.
 *
 * @param {Pick<import('./failure.js').Failure, 'action' | 'report'>} failure
 * @param {import('../visit/visit.js').Visit} visit
 * @param {(event: string, detail: Record<string, unknown>) => void} tell
 */
export function reported({ action, report }, visit, tell) {
  void visit.report(action, report);
  tell(`passkey-${action}`, report.kind ? { kind: report.kind } : {});
  if (report.kind === 'config') {
    console.warn(`passkey elements: the browser refused to make a passkey on ${location.host}: see rp.id and rp.origins of Kratos.`);
  }
}
