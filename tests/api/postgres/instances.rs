//! Several instances on one database act as one.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use sqlx::{Connection, Row};
use tokio::task::JoinHandle;

use super::on;
use crate::cluster::Database;
use crate::double::{Kratos, Session};
use crate::page::{document, header, verdict};
use crate::recordings;
use crate::service::{Service, delivered};

/// What a hint has to do in the median of so many tries, and what is true without one.
const TRIES: usize = 15;
const WITH_HINT: Duration = Duration::from_millis(250);
const WITHOUT: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(20);

const REGISTERED: &str = "v26.2.0/hooks/registration-password.ctx.json";
const ONE_PASSKEY: &str = "v26.2.0/hooks/settings-passkey.ctx.1-passkeys-0-security-keys.json";

/// Two instances, one Kratos, one person.
struct Pair {
    a: Service,
    b: Service,
    kratos: Kratos,
    person: Session,
    database: Database,
}

impl Pair {
    async fn start(parameters: &[(&str, &str)]) -> Pair {
        let (kratos, person, database) = (Kratos::start().await, Session::fresh(), Database::new().await);
        kratos.signed_in(&person);
        let mut url = url::Url::parse(&database.url).unwrap();
        url.query_pairs_mut().extend_pairs(parameters);
        let start = || kratos.plan_without_admin().with("DSN", url.as_str()).start();
        let (a, b) = (start(), start());
        assert_eq!(a.send(&recordings::hook(REGISTERED)).await.status(), 204);
        Pair { a, b, kratos, person, database }
    }

    fn get(&self, service: &Service, query: &str) -> RequestBuilder {
        service.get(&format!("/api/onboarding{query}")).header("Cookie", self.person.cookies())
    }

    async fn tagged(&self, service: &Service) -> (String, Value) {
        let answer = self.get(service, "").send().await.unwrap();
        (header(answer.headers(), "etag").unwrap(), document(answer).await)
    }

    /// A page that waits on A.
    async fn waiting(&self) -> JoinHandle<(Response, Instant)> {
        let (tag, _) = self.tagged(&self.a).await;
        let request = self.get(&self.a, "?wait=25").header("If-None-Match", tag);
        let waits = tokio::spawn(async move { (request.send().await.unwrap(), Instant::now()) });
        let deadline = Instant::now() + PATIENCE;
        while self.a.metric("onboarding_waiting_pages").await < 1.0 {
            assert!(Instant::now() < deadline, "nobody waits");
        }
        waits
    }

    /// A settings hook of this person at B: one passkey more than the last time.
    async fn changed(&self, turn: usize) {
        let at = format!("2027-01-01T00:{turn:02}:00Z");
        let body = json!({
            "version": 1, "hook": "settings", "method": "passkey",
            "flow": { "id": "4d748bf4-c155-49be-ac8d-168904cf9a29", "type": "browser", "issued_at": at },
            "identity": { "id": self.person.identity(), "updated_at": at },
            "passkeys": (0..=turn).map(|n| format!("{n:02x}")).collect::<Vec<_>>(),
            "security_keys": null,
        });
        let told = self.b.hook("/api/kratos/hooks/settings/passkey", body.to_string());
        assert_eq!(delivered(told).await.status(), 204, "{}", self.b.log());
    }

    /// How long A does not know what B stored: with a page that waits there, and with one that asks again.
    async fn lags(&self) -> Vec<Duration> {
        let mut lags = Vec::new();
        for turn in 0..TRIES {
            let waits = self.waiting().await;
            self.changed(turn).await;
            let stored = Instant::now();
            let (answer, heard) = waits.await.unwrap();
            let waited = document(answer).await;
            let (_, asked) = self.tagged(&self.a).await;
            let (_, truth) = self.tagged(&self.b).await;
            for answer in [&waited, &asked] {
                assert_eq!(answer["passkeys"], truth["passkeys"], "turn {turn}");
            }
            lags.push(heard.saturating_duration_since(stored));
        }
        lags.sort();
        lags
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_on_one_instance_sees_at_once_what_another_stored() {
    let lags = Pair::start(&[]).await.lags().await;
    assert!(lags[TRIES / 2] < WITH_HINT && lags[TRIES - 1] < WITHOUT, "{lags:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_notifications_it_sees_it_within_two_seconds() {
    let lags = Pair::start(&[("notify", "off")]).await.lags().await;
    assert!(lags[TRIES - 1] < WITHOUT, "{lags:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_listens_and_is_lost_is_made_anew() {
    let pair = Pair::start(&[]).await;
    let listening = "SELECT count(*) FROM pg_stat_activity
                     WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    let mut connection = pair.database.connect().await;
    let deadline = Instant::now() + PATIENCE;
    while sqlx::query_scalar::<_, i64>(listening).fetch_one(&mut connection).await.unwrap() < 2 {
        assert!(Instant::now() < deadline, "one an instance");
    }
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    sqlx::query(end).fetch_all(&mut connection).await.unwrap();
    let waits = pair.waiting().await;
    pair.changed(TRIES).await;
    let stored = Instant::now();
    let (_, heard) = waits.await.unwrap();
    assert!(heard.saturating_duration_since(stored) < WITHOUT);
    while sqlx::query_scalar::<_, i64>(listening).fetch_one(&mut connection).await.unwrap() < 2 {
        assert!(Instant::now() < deadline, "nobody listens");
    }
    pair.changed(TRIES + 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_at_one_instance_ends_the_waiting_at_another() {
    let pair = Pair::start(&[]).await;
    let waits = pair.waiting().await;
    assert_eq!(pair.b.send(&recordings::hook(ONE_PASSKEY)).await.status(), 204);
    let (answer, _) = waits.await.unwrap();
    assert_eq!(verdict(&document(answer).await), ("done", "passkey_enrolled"));
}

async fn a_refresh_is_not_hidden(parameters: &[(&str, &str)]) {
    let pair = Pair::start(parameters).await;
    pair.kratos.signed_in(&pair.person.clone().authenticated(7200));
    let (_, before) = pair.tagged(&pair.a).await;
    assert_eq!(before["session"]["privileged"], false);
    // A has the session in its memory now, for ten seconds; the sign-in again is told to B only.
    pair.kratos.signed_in(&pair.person.clone().authenticated(0));
    let waits = pair.waiting().await;
    let login = json!({"version": 1, "hook": "login", "identity": {"id": pair.person.identity()}});
    let hook = pair.b.hook("/api/kratos/hooks/login/password", login.to_string());
    assert_eq!(delivered(hook).await.status(), 204);
    let stored = Instant::now();
    let (answer, heard) = waits.await.unwrap();
    assert_eq!(document(answer).await["session"]["privileged"], true);
    assert!(heard.saturating_duration_since(stored) < WITHOUT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_again_that_one_instance_sees_is_not_hidden_by_the_memory_of_another() {
    a_refresh_is_not_hidden(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_without_notifications() {
    a_refresh_is_not_hidden(&[("notify", "off")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_instances_told_of_the_same_new_people_neither_lose_nor_double_an_event() {
    const PEOPLE: usize = 10;
    const EACH: usize = 12;
    let database = Database::new().await;
    let services: Vec<_> = (0..3).map(|_| on(&database).start()).collect();
    let sent = (0..PEOPLE * EACH).flat_map(|n| {
        let (person, nth) = (n % PEOPLE, n / PEOPLE);
        // Kratos tells one instance, and after a timeout another.
        [n % 3, (n + 1) % 3].map(|instance| {
            let body = json!({
                "identity_id": format!("5eddbeec-b3d3-4769-ad6d-{person:012x}"),
                "email": format!("person-{person}-{nth}@example.org"),
            });
            let trigger = format!("00000000-0000-4000-8000-{n:012x}");
            let hook = services[instance].hook("/api/kratos/hooks/registration/password", body.to_string());
            delivered(hook.header("Ory-Webhook-Trigger-Id", trigger))
        })
    });
    let answers = join_all(sent).await;
    assert!(answers.iter().all(|answer| answer.status() == 204));
    let mut connection = database.connect().await;
    let rows = sqlx::query(
        "SELECT count(*) AS events, count(DISTINCT dedupe) AS deliveries, r.version,
                max(e.version) AS newest, count(e.version) AS changes
         FROM records r JOIN events e ON e.record = r.id GROUP BY r.id, r.version",
    );
    let rows = rows.fetch_all(&mut connection).await.unwrap();
    assert_eq!(rows.len(), PEOPLE);
    for row in rows {
        let each = i64::try_from(EACH).unwrap();
        assert_eq!((row.get::<i64, _>("events"), row.get::<i64, _>("deliveries")), (each, each));
        let version: i64 = row.get("version");
        assert_eq!((row.get::<i64, _>("newest"), row.get::<i64, _>("changes")), (version, version));
    }
    connection.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_command_line_replays_wakes_who_waits() {
    let pair = Pair::start(&[]).await;
    pair.database
        .execute(
            "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'poison'; END $$;
             CREATE TRIGGER poison BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION poison()",
        )
        .await;
    assert_eq!(pair.b.send(&recordings::hook(ONE_PASSKEY)).await.status(), 202);
    pair.database.execute("DROP TRIGGER poison ON events").await;
    let waits = pair.waiting().await;
    let replayed = super::call(&pair.database, &["quarantine", "replay", "--all"]);
    assert!(replayed.status.success(), "{}", crate::cli::err(&replayed));
    let (answer, _) = waits.await.unwrap();
    assert_eq!(verdict(&document(answer).await), ("done", "passkey_enrolled"));
}
