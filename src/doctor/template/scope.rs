//! Variables that nothing defines. Kratos's interpreter refuses such a template before it evaluates anything, ours only where it
//! comes to the variable.

use std::path::Path;

use jrsonnet_parser::{
    AssertStmt, BindSpec, CompSpec, Expr, FieldName, ForSpecData, IfSpecData, LocExpr, Member, ObjBody,
    ObjComp, ParamsDesc, ParserSettings, SliceDesc,
};

/// The first one, and the offset of its first byte. `None` also where the text is no Jsonnet.
pub(super) fn undefined(text: &str) -> Option<(String, usize)> {
    let settings = ParserSettings { loc_data: true, file_name: Path::new("template").into() };
    let parsed = jrsonnet_parser::parse(text, &settings).ok()?;
    let mut search = Search { scope: vec!["std".to_owned()], found: None };
    search.expression(&parsed);
    search.found
}

struct Search {
    /// Names that are defined where the search is, the innermost last.
    scope: Vec<String>,
    found: Option<(String, usize)>,
}

impl Search {
    /// Goes on with more names defined.
    fn with(&mut self, names: impl IntoIterator<Item = String>, within: impl FnOnce(&mut Search)) {
        let before = self.scope.len();
        self.scope.extend(names);
        within(self);
        self.scope.truncate(before);
    }

    fn all<'e>(&mut self, expressions: impl IntoIterator<Item = &'e LocExpr>) {
        expressions.into_iter().for_each(|expression| self.expression(expression));
    }

    fn expression(&mut self, expression: &LocExpr) {
        if self.found.is_some() {
            return;
        }
        match &*expression.0 {
            Expr::Var(name) => {
                if !self.scope.iter().any(|known| **known == **name) {
                    let offset = expression.1.as_ref().map_or(0, |place| place.1);
                    self.found = Some((name.to_string(), offset));
                }
            }
            Expr::Literal(_)
            | Expr::Str(_)
            | Expr::Num(_)
            | Expr::Import(_)
            | Expr::ImportStr(_)
            | Expr::Intrinsic(_) => {}
            Expr::Arr(items) => self.all(items),
            Expr::ArrComp(item, specs) => self.comprehension(specs, |search| search.expression(item)),
            Expr::Obj(body) => self.object(body),
            Expr::ObjExtend(base, body) => {
                self.expression(base);
                self.object(body);
            }
            Expr::Parened(inner) | Expr::UnaryOp(_, inner) | Expr::ErrorStmt(inner) => self.expression(inner),
            Expr::BinaryOp(left, _, right) | Expr::Index(left, right) => self.all([left, right]),
            Expr::AssertExpr(assertion, rest) => {
                self.assertion(assertion);
                self.expression(rest);
            }
            Expr::LocalExpr(binds, rest) => self.binds(binds, |search| search.expression(rest)),
            Expr::Apply(function, arguments, _) => {
                self.expression(function);
                self.all(arguments.iter().map(|argument| &argument.1));
            }
            Expr::Function(parameters, body) => self.function(parameters, body),
            Expr::IfElse { cond: IfSpecData(condition), cond_then, cond_else } => {
                self.all([condition, cond_then]);
                self.all(cond_else);
            }
            Expr::Slice(value, SliceDesc { start, end, step }) => {
                self.expression(value);
                self.all([start, end, step].into_iter().flatten());
            }
        }
    }

    /// Parameters know each other, in their defaults too.
    fn function(&mut self, parameters: &ParamsDesc, body: &LocExpr) {
        let names: Vec<String> = parameters.iter().map(|parameter| parameter.0.to_string()).collect();
        self.with(names, |search| {
            search.all(parameters.iter().filter_map(|parameter| parameter.1.as_ref()));
            search.expression(body);
        });
    }

    /// Locals know each other, whatever their order.
    fn binds<'b>(&mut self, binds: impl IntoIterator<Item = &'b BindSpec>, within: impl FnOnce(&mut Search)) {
        let binds: Vec<&BindSpec> = binds.into_iter().collect();
        let names: Vec<String> = binds.iter().map(|bind| bind.name.to_string()).collect();
        self.with(names, |search| {
            for bind in binds {
                match &bind.params {
                    Some(parameters) => search.function(parameters, &bind.value),
                    None => search.expression(&bind.value),
                }
            }
            within(search);
        });
    }

    fn assertion(&mut self, AssertStmt(condition, message): &AssertStmt) {
        self.expression(condition);
        self.all(message);
    }

    fn object(&mut self, body: &ObjBody) {
        match body {
            ObjBody::MemberList(members) => {
                // The name of a field does not see the object's locals.
                let named = members.iter().filter_map(|member| match member {
                    Member::Field(field) => match &field.name {
                        FieldName::Dyn(name) => Some(name),
                        FieldName::Fixed(_) => None,
                    },
                    Member::BindStmt(_) | Member::AssertStmt(_) => None,
                });
                self.all(named);
                let locals = members.iter().filter_map(|member| match member {
                    Member::BindStmt(bind) => Some(bind),
                    Member::Field(_) | Member::AssertStmt(_) => None,
                });
                self.binds(locals, |search| {
                    for member in members {
                        match member {
                            Member::Field(field) => match &field.params {
                                Some(parameters) => search.function(parameters, &field.value),
                                None => search.expression(&field.value),
                            },
                            Member::AssertStmt(assertion) => search.assertion(assertion),
                            Member::BindStmt(_) => {}
                        }
                    }
                });
            }
            ObjBody::ObjComp(ObjComp { pre_locals, key, value, post_locals, compspecs }) => {
                self.comprehension(compspecs, |search| {
                    search.expression(key);
                    search.binds(pre_locals.iter().chain(post_locals), |search| search.expression(value));
                });
            }
        }
    }

    /// Each `for` is known to what stands after it.
    fn comprehension(&mut self, specs: &[CompSpec], within: impl FnOnce(&mut Search)) {
        let before = self.scope.len();
        for spec in specs {
            match spec {
                CompSpec::IfSpec(IfSpecData(condition)) => self.expression(condition),
                CompSpec::ForSpec(ForSpecData(name, list)) => {
                    self.expression(list);
                    self.scope.push(name.to_string());
                }
            }
        }
        within(self);
        self.scope.truncate(before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nothing_defines_is_found_wherever_it_stands() {
        for template in [
            "function(ctx) if false then nobody else 1",
            "function(ctx) { a: [x for x in [1] if nobody] }",
            "function(ctx) { [nobody]: 1 }",
            "local f(x=nobody) = x; function(ctx) f(1)",
            "function(ctx) { local a = nobody, b: 1 }",
            "function(ctx) { assert true : nobody, b: 1 }",
            "function(ctx) ctx[nobody:2]",
            "function(ctx) ctx { a: nobody }",
            "function(ctx) [x for x in [1]] + [nobody]",
            "function(ctx) std.length(nobody)",
            "function(ctx) { [k]: nobody for k in ['a'] }",
        ] {
            assert_eq!(undefined(template).map(|(name, _)| name).as_deref(), Some("nobody"), "{template}");
        }
        assert_eq!(undefined("function(ctx)\n  nobody"), Some(("nobody".to_owned(), 16)));
    }

    #[test]
    fn what_is_defined_is_left_alone() {
        for template in [
            "local f(x, y=x) = g(y), g(z) = z; function(ctx) f(ctx)",
            "function(ctx) { local a = self.b, b: a, c(x):: x + a, assert a == 1 : a }",
            "function(ctx) [x + y for x in [1] for y in [x] if y == x]",
            "function(ctx) { [k]: v for k in ['a'] for v in [k] }",
            "function(ctx) { [k]: l + k, local l = k for k in ['a'] }",
            "local a = $; function(ctx) { a: $.b, b: super.c }",
            "function(ctx) std.map(function(x) x, [])",
            "function(ctx",
        ] {
            assert_eq!(undefined(template), None, "{template}");
        }
    }
}
