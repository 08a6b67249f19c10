//! Where a JavaScript module names others: `import … from "…"`, `export … from "…"`, `import "…"` and `import("…")`.
//!
//! Reads just enough of ECMAScript's lexical grammar to tell code from comments, texts, templates and regular
//! expressions. A whole parser would be most of the binary, for modules that are ours and tested.

use std::ops::Range;

/// A module that cannot be published. Lines count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SyntaxError {
    #[error("line {line}: a text, template, comment or regular expression does not end")]
    Unterminated { line: usize },
    #[error("line {line}: a brace closes nothing, or nothing closes it")]
    Unbalanced { line: usize },
    #[error("line {line}: import() of something else than a plain text cannot be followed")]
    Computed { line: usize },
}

/// Another module is named here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Specifier {
    /// The bytes between the quotes.
    pub range: Range<usize>,
    /// By `import()`: loaded when the module gets there.
    pub is_lazy: bool,
}

/// In their order.
pub fn specifiers(source: &str) -> Result<Vec<Specifier>, SyntaxError> {
    let mut lexer = Lexer { source: source.as_bytes(), at: 0, open: Vec::new() };
    let mut found = Vec::new();
    let [mut before_last, mut last] = [Token::Mark(b';'), Token::Mark(b';')];
    let mut is_import_call = false;
    while let Some(token) = lexer.next(last)? {
        if let Token::Text { start, end } = token {
            if is_import_call || lexer.is_word(last, b"from") || lexer.is_word(last, b"import") {
                found.push(Specifier { range: start..end, is_lazy: is_import_call });
            }
        } else if is_import_call {
            return Err(SyntaxError::Computed { line: lexer.line() });
        }
        is_import_call =
            token == Token::Mark(b'(') && before_last != Token::Mark(b'.') && lexer.is_word(last, b"import");
        (before_last, last) = (last, token);
    }
    match lexer.open.is_empty() {
        true => Ok(found),
        false => Err(SyntaxError::Unbalanced { line: lexer.line() }),
    }
}

/// Ranges are of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    /// A name, a keyword or a number.
    Word(usize, usize),
    /// What stands between the quotes.
    Text {
        start: usize,
        end: usize,
    },
    /// A template, or a regular expression.
    Value,
    Mark(u8),
}

/// What a `}` closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Block,
    /// The `${` of a template.
    Substitution,
}

struct Lexer<'s> {
    source: &'s [u8],
    at: usize,
    open: Vec<Open>,
}

impl Lexer<'_> {
    /// The next token after `last`.
    fn next(&mut self, last: Token) -> Result<Option<Token>, SyntaxError> {
        self.skip_blanks()?;
        let Some(byte) = self.peek(0) else { return Ok(None) };
        let start = self.at;
        self.at += 1;
        Ok(Some(match byte {
            b'"' | b'\'' => {
                self.skip_until(byte)?;
                Token::Text { start: start + 1, end: self.at - 1 }
            }
            b'`' => self.template()?,
            b'/' if !self.is_value(last) => self.regular_expression()?,
            b'{' => {
                self.open.push(Open::Block);
                Token::Mark(byte)
            }
            b'}' => match self.open.pop() {
                Some(Open::Block) => Token::Mark(byte),
                Some(Open::Substitution) => self.template()?,
                None => return Err(SyntaxError::Unbalanced { line: self.line() }),
            },
            byte if is_word(byte) => {
                while self.peek(0).is_some_and(is_word) {
                    self.at += 1;
                }
                Token::Word(start, self.at)
            }
            byte => Token::Mark(byte),
        }))
    }

    /// White space and comments.
    fn skip_blanks(&mut self) -> Result<(), SyntaxError> {
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(b'/'), Some(b'/')) => {
                    while self.peek(0).is_some_and(|byte| byte != b'\n') {
                        self.at += 1;
                    }
                }
                (Some(b'/'), Some(b'*')) => {
                    let rest = self.source.get(self.at + 2..).unwrap_or_default();
                    let end = rest.windows(2).position(|pair| pair == b"*/");
                    let end = end.ok_or(SyntaxError::Unterminated { line: self.line() })?;
                    self.at += end + 4;
                }
                (Some(byte), _) if byte.is_ascii_whitespace() => self.at += 1,
                _ => return Ok(()),
            }
        }
    }

    /// Behind the closing quote of a text on one line.
    fn skip_until(&mut self, quote: u8) -> Result<(), SyntaxError> {
        loop {
            match self.peek(0) {
                None | Some(b'\n') => return Err(SyntaxError::Unterminated { line: self.line() }),
                Some(b'\\') => self.at += 2,
                Some(byte) => {
                    self.at += 1;
                    if byte == quote {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Behind the closing backtick, or behind the next `${`.
    fn template(&mut self) -> Result<Token, SyntaxError> {
        loop {
            match (self.peek(0), self.peek(1)) {
                (None, _) => return Err(SyntaxError::Unterminated { line: self.line() }),
                (Some(b'\\'), _) => self.at += 2,
                (Some(b'`'), _) => {
                    self.at += 1;
                    return Ok(Token::Value);
                }
                (Some(b'$'), Some(b'{')) => {
                    self.at += 2;
                    self.open.push(Open::Substitution);
                    return Ok(Token::Mark(b'{'));
                }
                _ => self.at += 1,
            }
        }
    }

    fn regular_expression(&mut self) -> Result<Token, SyntaxError> {
        let mut in_class = false;
        loop {
            match self.peek(0) {
                None | Some(b'\n') => return Err(SyntaxError::Unterminated { line: self.line() }),
                Some(b'\\') => self.at += 1,
                Some(b'[') => in_class = true,
                Some(b']') => in_class = false,
                Some(b'/') if !in_class => break,
                Some(_) => {}
            }
            self.at += 1;
        }
        self.at += 1;
        Ok(Token::Value)
    }

    /// Whether a `/` behind the token divides it.
    fn is_value(&self, token: Token) -> bool {
        const BEFORE_VALUES: [&[u8]; 12] = [
            b"return",
            b"typeof",
            b"instanceof",
            b"in",
            b"of",
            b"new",
            b"delete",
            b"void",
            b"throw",
            b"case",
            b"await",
            b"yield",
        ];
        match token {
            Token::Word(..) => !BEFORE_VALUES.iter().any(|word| self.is_word(token, word)),
            Token::Text { .. } | Token::Value => true,
            Token::Mark(byte) => matches!(byte, b')' | b']'),
        }
    }

    fn is_word(&self, token: Token, word: &[u8]) -> bool {
        matches!(token, Token::Word(start, end) if self.source.get(start..end) == Some(word))
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.source.get(self.at + ahead).copied()
    }

    fn line(&self) -> usize {
        let before = self.source.get(..self.at).unwrap_or(self.source);
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'#') || !byte.is_ascii()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn named(source: &str) -> Vec<&str> {
        specifiers(source).unwrap().into_iter().map(|specifier| &source[specifier.range]).collect()
    }

    #[test]
    fn every_form_of_import_and_export_is_found() {
        let source = r#"
            import "./a.js";
            import b, { from as c } from './b.js'
            import * as d from"./d.js";
            export { e } from "./e.js"; export * from "./f.js";
            const g = async () => (await import("./g.js")).default;
            const h = { de: () => import( /* German */ './h.js' ) };
            import data from "./i.js" with { type: "javascript" };
        "#;
        let expected = ["./a.js", "./b.js", "./d.js", "./e.js", "./f.js", "./g.js", "./h.js", "./i.js"];
        assert_eq!(named(source), expected);
    }

    #[test]
    fn what_only_looks_like_one_is_not() {
        let source = r##"
            // import "./comment.js";
            /** @import { Words } from "./types.js" @type {import("./types.js").Words} */
            const text = "import './text.js'", other = 'from "./other.js"';
            const template = `import "./template.js" ${text + `import("./inner.js")`} from "./after.js"`;
            const pattern = /import "\/[/"'`]/g.test(text), half = text.length / 2 / 1;
            const list = Array.from("./array.js"), mail = { from: "./mail.js" };
            if (typeof text === "string") new URL("./icon.svg", import.meta.url);
            loader.import("./method.js");
            const of = /'/;
        "##;
        assert_eq!(named(source), Vec::<&str>::new());
    }

    #[test]
    fn it_goes_on_after_templates_and_expressions() {
        let source =
            "const a = `${{ b: `}` }.b}/${1}`; const c = a.replace(/[/]\"/, '\\'');\nimport './d.js'";
        assert_eq!(named(source), ["./d.js"]);
    }

    #[test]
    fn what_cannot_be_followed_is_refused_with_its_line() {
        assert_eq!(specifiers("\nimport(name)"), Err(SyntaxError::Computed { line: 2 }));
        assert_eq!(specifiers("import(`./${name}.js`)"), Err(SyntaxError::Computed { line: 1 }));
        for source in ["'", "`", "\"\n\"", "/*", "x = /a", "x = /["] {
            assert!(matches!(specifiers(source), Err(SyntaxError::Unterminated { line: 1 })), "{source}");
        }
        for source in ["}", "{", "`${", "`${x"] {
            assert!(specifiers(source).is_err(), "{source}");
        }
    }

    const ODD: &str = r#"[a-z'"`/*${}()\\\[\]\n .é]{0,60}|(import|from|\(|'./a.js'|`|/| |\n){0,12}"#;

    proptest! {
        #[test]
        fn nothing_panics_and_every_range_is_of_the_source(source in ODD) {
            for specifier in specifiers(&source).unwrap_or_default() {
                prop_assert!(source.get(specifier.range).is_some());
            }
        }
    }
}
