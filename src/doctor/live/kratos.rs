//! Kratos itself: is it there, which is it, what time is it there, does it let the page read its answers.

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::Client;
use reqwest::header::ORIGIN;

use super::ask::{Answer, below, send};
use super::{Asked, Checked};
use crate::clock::Clock;
use crate::doctor::address;
use crate::doctor::codes::{
    LIVE_ADMIN_UNREACHABLE, LIVE_CLOCK_SKEW, LIVE_CORS, LIVE_NOT_CHECKED, LIVE_NOT_KRATOS,
    LIVE_PUBLIC_UNREACHABLE, LIVE_VERSION,
};
use crate::doctor::finding::{Finding, Severity};
use crate::doctor::subject::Subject;

/// `Date` tells whole seconds, and an answer takes its time.
const SKEW_OF_A_WATCH: i64 = 5;
/// This service was tried with v1.3.1 and later.
const OLDEST: (u32, u32) = (1, 3);
/// From here on people notice.
const SKEW_THAT_HURTS: i64 = 60;

/// True when it answers as Kratos does.
pub(super) async fn public(client: &Client, asked: &Asked<'_>, clock: &Clock, checked: &mut Checked) -> bool {
    let url = below(&asked.url, "/health/alive");
    match timed(client, &url, clock).await {
        Err(why) => {
            let message = format!("`{url}`: {why}.");
            checked.findings.push(Finding::new(&LIVE_PUBLIC_UNREACHABLE, &asked.place, message));
            false
        }
        Ok((answer, middle)) => {
            if answer.status != 200 || answer.text("/status").as_deref() != Some("ok") {
                let message = format!("`{url}` answered with status {}, not as Kratos does.", answer.status);
                checked.findings.push(Finding::new(&LIVE_NOT_KRATOS, &asked.place, message));
                return false;
            }
            checked.well.push(format!("Kratos's public API answers at {}", asked.url));
            skew(&answer, middle, asked, checked);
            true
        }
    }
}

/// True when it answers as Kratos does.
pub(super) async fn admin(client: &Client, asked: &Asked<'_>, clock: &Clock, checked: &mut Checked) -> bool {
    let url = below(&asked.url, "/version");
    match timed(client, &url, clock).await {
        Err(why) => {
            let message = format!("`{url}`: {why}.");
            checked.findings.push(Finding::new(&LIVE_ADMIN_UNREACHABLE, &asked.place, message));
            false
        }
        Ok((answer, _)) => match answer.text("/version").filter(|_| answer.status == 200) {
            Some(version) => {
                checked.well.push(format!("Kratos's admin API answers at {}", asked.url));
                of_version(&version, asked, checked);
                true
            }
            None => {
                let message = format!("`{url}` answered with status {}, and no version.", answer.status);
                checked.findings.push(Finding::new(&LIVE_NOT_KRATOS, &asked.place, message));
                false
            }
        },
    }
}

fn of_version(version: &str, asked: &Asked<'_>, checked: &mut Checked) {
    let shown: String = version.chars().filter(|c| !c.is_control()).take(40).collect();
    let numbers: Vec<u32> =
        version.trim_start_matches('v').split('.').map_while(|part| part.parse().ok()).collect();
    let finding = Finding::new(&LIVE_VERSION, &asked.place, format!("Kratos says that it is `{shown}`."));
    checked.findings.push(match numbers.as_slice() {
        [major, minor, ..] if (*major, *minor) >= OLDEST => {
            checked.well.push(format!("it is Kratos {shown}"));
            return;
        }
        [_, _, ..] => finding
            .as_severe_as(Severity::Warning)
            .seen_as("Hooks and passkeys may not work: this service was tried with v1.3.1 and later.")
            .mended_by("Take a newer Kratos."),
        // Built by somebody themselves, or from the main branch.
        _ => finding,
    });
}

/// An answer, and the time half-way through.
async fn timed(client: &Client, url: &url::Url, clock: &Clock) -> Result<(Answer, Timestamp), String> {
    let before = clock.now();
    let answer = send(client.get(url.clone())).await?;
    let after = clock.now();
    let half = after.duration_since(before) / 2;
    Ok((answer, before.saturating_add(half).unwrap_or(after)))
}

fn skew(answer: &Answer, middle: Timestamp, asked: &Asked<'_>, checked: &mut Checked) {
    let there =
        answer.header("date").and_then(|date| rfc2822::DateTimeParser::new().parse_timestamp(date).ok());
    let Some(there) = there else {
        let message = "Kratos, or a proxy before it, sends no `Date`: its clock is not known.";
        checked.findings.push(Finding::new(&LIVE_NOT_CHECKED, &asked.place, message));
        return;
    };
    let off = there.as_second() - middle.as_second();
    if off.abs() <= SKEW_OF_A_WATCH {
        checked.well.push("the clocks agree".to_owned());
        return;
    }
    let way = if off > 0 { "ahead of" } else { "behind" };
    let message = format!("Kratos's clock is {} seconds {way} this one.", off.abs());
    let finding = Finding::new(&LIVE_CLOCK_SKEW, &asked.place, message);
    let hurts = off.abs() >= SKEW_THAT_HURTS;
    checked.findings.push(if hurts { finding.as_severe_as(Severity::Error) } else { finding });
}

/// As a browser would ask from the page.
pub(super) async fn cors(client: &Client, asked: &Asked<'_>, subject: &Subject<'_>, checked: &mut Checked) {
    let place = subject.at("serve.public.cors");
    let Some(page) = &subject.page else {
        let message = "Where the page is is not known, so nobody asked on its behalf whether it may read Kratos's answers.";
        checked.findings.push(Finding::new(&LIVE_NOT_CHECKED, &place, message));
        return;
    };
    let page = address::origin(&page.url);
    if subject.kratos_url().is_some_and(|kratos| address::origin(&kratos) == page) {
        return;
    }
    let url = below(&asked.url, "/sessions/whoami");
    let Ok(answer) = send(client.get(url).header(ORIGIN, &page)).await else { return };
    let allowed = answer.header("access-control-allow-origin");
    let credentials = answer.header("access-control-allow-credentials");
    if allowed == Some(page.as_str()) && credentials == Some("true") {
        checked.well.push(format!("Kratos lets {page} read its answers"));
        return;
    }
    let shown = |value: Option<&str>| value.map_or("missing".to_owned(), |value| format!("`{value}`"));
    let message = format!(
        "Asked from `{page}`: `Access-Control-Allow-Origin` is {}, `Access-Control-Allow-Credentials` is {}.",
        shown(allowed),
        shown(credentials)
    );
    checked.findings.push(Finding::new(&LIVE_CORS, &place, message));
}
