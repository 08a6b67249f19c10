use super::*;

fn says(template: &str, expected: &[&str]) {
    assert_eq!(Configuration::good().template(template).codes(), expected, "{template}");
}

#[test]
fn a_template_that_yields_nothing_is_told_why() {
    says("function(ctx) { id: ", &["error template-syntax"]);
    says("function(ctx) { id: ctx.identity.nope }", &["error template-fails"]);
    says("function(ctx) error 'no'", &["error template-fails"]);
    says("function(ctx) { id: ctx.identity.id, m: ctx.session.id }", &["error template-fails"]);
    says("function(ctx) error 'cancel'", &["error template-cancels"]);
    says("{ identity_id: 'x' }", &["error template-not-a-function"]);
    says("function(context) { identity_id: context.identity.id }", &["error template-not-a-function"]);
    says("function(ctx, x) { identity_id: ctx.identity.id }", &["error template-not-a-function"]);
    says("local f(x) = f(x) + 1; function(ctx) f(1)", &["error template-endless"]);
    says("local a = import 'a'; function(ctx) a", &["error template-imports"]);
    let long = format!("//{}\nfunction(ctx) {{ identity_id: ctx.identity.id }}", "x".repeat(66_000));
    says(&long, &["error template-too-large"]);
}

#[test]
fn a_template_is_judged_by_what_the_service_reads_of_it() {
    says("function(ctx) { identity_id: ctx.identity.id }", &[]);
    says("function(ctx) { userId: ctx.identity.id }", &[]);
    says("function(ctx) { identity: { id: ctx.identity.id } }", &[]);
    says("function(ctx) { email: ctx.identity.traits.email }", &["error template-not-understood"]);
    says("function(ctx) ctx.identity.id", &["error template-not-understood"]);
    says("function(ctx) [ctx.identity.id]", &["error template-not-understood"]);
    // Of a flow, not of a person.
    says("function(ctx) { identity_id: ctx.flow.id }", &["error template-not-understood"]);
    says(
        "function(ctx) { identity_id: '00000000-0000-0000-0000-000000000000' }",
        &["error template-not-understood"],
    );
}

#[test]
fn what_must_not_travel_is_noticed() {
    says("function(ctx) ctx", &["error template-sends-whole-ctx"]);
    says("function(ctx) ctx + { hook: 'registration' }", &["error template-sends-whole-ctx"]);
    says(
        "function(ctx) { identity_id: ctx.identity.id, c: ctx.request_cookies }",
        &["error template-sends-cookies"],
    );
    says(
        "function(ctx) { identity_id: ctx.identity.id, c: [ctx.request_cookies[k] for k in std.objectFields(ctx.request_cookies)] }",
        &["error template-sends-cookies"],
    );
    says(
        "function(ctx) { identity_id: ctx.identity.id, h: ctx.request_headers }",
        &["warning template-sends-headers"],
    );
    says("function(ctx) { identity_id: ctx.identity.id, f: ctx.flow }", &["warning template-sends-secrets"]);
}

#[test]
fn a_body_that_grows_with_the_person_is_noticed() {
    let template = "function(ctx) { identity_id: ctx.identity.id, p: std.repeat(std.toString(std.get(ctx.flow, 'transient_payload', {})), 9) }";
    says(template, &["warning template-near-limit"]);
}

#[test]
fn traits_are_those_of_the_schema() {
    let template = "function(ctx) { identity_id: ctx.identity.id, first: ctx.identity.traits.name.first }";
    // A name is not required: somebody who left it out is not told of.
    let finding = Configuration::good().template(template).finding("template-fails");
    assert_eq!(finding.severity, Severity::Warning);
    assert!(finding.message.contains("only what is required"), "{}", finding.message);
    let nickname = "function(ctx) { identity_id: ctx.identity.id, nick: ctx.identity.traits.nickname }";
    assert_eq!(Configuration::good().template(nickname).finding("template-fails").severity, Severity::Error);
    let known = Configuration::good().template(
        "function(ctx) { identity_id: ctx.identity.id, nick: std.get(ctx.identity.traits, 'nickname') }",
    );
    known.says(&[]);
}

#[test]
fn a_function_nobody_knows_here_is_no_mistake() {
    let configuration =
        Configuration::good().template("function(ctx) { identity_id: ctx.identity.id, h: std.sha256('x') }");
    configuration.says(&[]);
    assert!(configuration.finding("template-not-judged").message.contains("sha256"));
}

#[test]
fn the_line_of_a_mistake_is_that_of_the_template() {
    let configuration =
        Configuration::good().template("function(ctx) {\n  identity_id: ctx.identity.id,\n  x: ctx.nope,\n}");
    assert!(configuration.finding("template-fails").message.contains("line 3"));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("own.jsonnet");
    std::fs::write(&path, "function(ctx) {\n  identity_id: ctx.nope,\n}").unwrap();
    let mut configuration =
        Configuration::good().with(&format!("{CONFIG}/body"), json!(format!("file://{}", path.display())));
    configuration.evaluate = &Here;
    let elsewhere = configuration.finding("template-fails").elsewhere.unwrap();
    assert_eq!((elsewhere.file, elsewhere.spot.line), (path, 2));
}

#[test]
fn what_a_template_is_named_by_is_looked_at() {
    let body = |address: &str| Configuration::good().with(&format!("{CONFIG}/body"), json!(address));
    body("file:///etc/kratos/nothing.jsonnet").says(&["error file-missing"]);
    body("base64://!!!").says(&["error file-unreadable"]);
    body("base64://Y3R4Cg").says(&["error file-unreadable"]);
    body("/etc/kratos/own.jsonnet").says(&["warning template-without-scheme"]);
    body("https://example.org/a.jsonnet").says(&[]);
    body("https://example.org/a.jsonnet").finding("not-fetched");
    let beside = body("file:///srv/own.jsonnet").examine();
    let told =
        |finding: &Finding| finding.code() == "file-beside" && finding.message.contains("`/srv/own.jsonnet`");
    assert!(beside.iter().any(told));
}
