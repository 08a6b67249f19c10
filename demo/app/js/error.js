import { element } from './form.js';
import { heading, page, show } from './page.js';

await page(async ({ kratos, main }) => {
  const id = new URLSearchParams(location.search).get('id');
  const answer = id ? await kratos.ask(`/self-service/errors?id=${encodeURIComponent(id)}`) : undefined;
  const error = answer?.status === 200 ? answer.body.error : undefined;
  show(
    main,
    element(
      'section.sheet.stack',
      {},
      heading('Something went wrong'),
      element('p.alarm', { role: 'alert' }, error?.reason ?? error?.message ?? 'There is no more to tell about it.'),
      element('p.actions', {}, element('a.button', { href: '/' }, 'Back to the start')),
    ),
  );
});
