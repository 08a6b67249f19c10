//! The pages of the documentation, `docs/doctor/`: one a code, and an index to search for what Kratos said.

use std::collections::BTreeMap;

use super::codes::{self, Explanation};

/// Name and content of every page, the index among them.
pub fn pages() -> Vec<(String, String)> {
    let mut pages = vec![("README.md".to_owned(), index())];
    pages.extend(codes::all().map(|explanation| (format!("{}.md", explanation.code), page(explanation))));
    pages
}

fn page(explanation: &Explanation) -> String {
    let Explanation { code, severity, title, sees, why, mend, example, errors, observed, stops_start } =
        explanation;
    let mut page = format!("# {code}\n\n**{title}.** Usually {}.\n", with_article(severity.as_str()));
    if *stops_start {
        page.push_str("Kratos does not start with it.\n");
    }
    page.push_str(&format!(
        "\n## What is seen\n\n{sees}\n\n## Why\n\n{why}\n\n## How to mend it\n\n{mend}\n"
    ));
    if !example.is_empty() {
        page.push_str(&format!("\n```yaml\n{example}\n```\n"));
    }
    if !errors.is_empty() {
        page.push_str("\n## What Kratos or the browser says\n\n```text\n");
        for error in *errors {
            page.push_str(error);
            page.push('\n');
        }
        page.push_str("```\n");
    }
    page.push_str(&format!("\nSeen with: {observed}. All codes: [README.md](README.md).\n"));
    page
}

fn with_article(severity: &str) -> String {
    if severity.starts_with('e') { format!("an {severity}") } else { format!("a {severity}") }
}

fn index() -> String {
    let mut page = String::from(
        "# What `doctor` finds\n\n\
         `kratos-onboarding doctor --kratos-config kratos.yml` reads a configuration of Kratos and says what will not work. Each finding \
         has a code that never changes its meaning; here is a page for each. `doctor --explain CODE` prints the same, and \
         `doctor --explain 'WORDS OF AN ERROR'` finds the code.\n\n\
         It reads the file alone: settings that Kratos takes from the environment are not seen, `$ref` is not followed, and nothing is \
         fetched from a server. With `-c` and the settings of the service the two are compared. `--live` asks the running programs: \
         are Kratos's two APIs and the service reachable, does the service accept the hooks' keys, do the clocks agree, may the page read \
         Kratos's answers. With somebody's session in `KRATOS_SESSION_TOKEN` or `KRATOS_SESSION_COOKIE` it also tries how long a sign-in \
         really counts; nothing is stored in the service, and one settings flow is begun in Kratos.\n\n\
         `--live --write` tries whether Kratos takes passkeys of the service's own ceremony, and is the only thing here that writes: it \
         makes one identity by the admin API, not active, with an address in `.invalid`, hands two passkeys in that nobody has the private \
         keys of, reads it back, and always deletes it again, also when something failed or was interrupted. Kratos runs no hook for that and \
         sends no mail. A reconciliation that reads everybody in that very second makes a record of it, which receivers of events hear of, and \
         marks it as gone the next time.\n\n\
         These pages are made from `src/doctor/codes/`.\n\n\
         ## By what was said\n\n\
         Search here for the words of Kratos or of the browser.\n\n| it says | it may mean |\n|---|---|\n",
    );
    let mut said: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for explanation in codes::all() {
        for error in explanation.errors {
            said.entry(error).or_default().push(explanation.code);
        }
    }
    for (error, codes) in said {
        let links = codes.iter().map(|code| format!("[{code}]({code}.md)")).collect::<Vec<_>>().join(", ");
        page.push_str(&format!("| `{}` | {links} |\n", error.replace('|', "\\|")));
    }
    page.push_str("\n## All codes\n\n| code | | |\n|---|---|---|\n");
    for explanation in codes::all() {
        let Explanation { code, severity, title, .. } = explanation;
        page.push_str(&format!("| [{code}]({code}.md) | {severity} | {title} |\n"));
    }
    page
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::Path;

    use super::*;

    /// `UPDATE_DOCS=1 cargo test --lib -- doctor::pages` writes them.
    #[test]
    fn the_pages_in_the_repository_are_those_of_the_catalogue() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/doctor");
        let wanted: BTreeMap<String, String> = pages().into_iter().collect();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            let _ = fs::remove_dir_all(&directory);
            fs::create_dir_all(&directory).unwrap();
            for (name, text) in &wanted {
                fs::write(directory.join(name), text).unwrap();
            }
        }
        let there: BTreeMap<String, String> = fs::read_dir(&directory)
            .unwrap()
            .map(|entry| {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                (name, fs::read_to_string(&path).unwrap())
            })
            .collect();
        let names = |pages: &BTreeMap<String, String>| pages.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&there), names(&wanted), "UPDATE_DOCS=1 cargo test --lib -- doctor::pages");
        for (name, text) in &wanted {
            assert_eq!(&there[name], text, "{name}: UPDATE_DOCS=1 cargo test --lib -- doctor::pages");
        }
    }
}
