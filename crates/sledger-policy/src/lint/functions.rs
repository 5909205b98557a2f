//! The functions of a policy, taken out of its syntax tree.

use rhai::{AST, ASTNode, Position, Stmt};

/// One function; closures are functions too.
pub(super) struct Function {
    pub(super) name: String,
    pub(super) params: Vec<String>,
    pub(super) body: Vec<Stmt>,
    pub(super) end: Position,
}

/// All functions of a policy.
pub(super) struct Functions(Vec<Function>);

impl Functions {
    pub(super) fn of(ast: &AST) -> Self {
        let function = |name: &str, params: &[rhai::ImmutableString], end| Function {
            name: name.to_owned(),
            params: params.iter().map(ToString::to_string).collect(),
            body: body(ast, name, params.len()),
            end,
        };
        Self(ast.iter_fn_def().map(|def| function(&def.name, &def.params, def.body.end_position())).collect())
    }

    /// Those with a name of their own.
    pub(super) fn named(&self) -> impl Iterator<Item = &Function> {
        self.0.iter().filter(|function| !function.name.starts_with("anon$"))
    }

    /// The first called `name`.
    pub(super) fn first(&self, name: &str) -> Option<&Function> {
        self.0.iter().find(|function| function.name == name)
    }

    /// The one called `name` with so many params.
    pub(super) fn find(&self, name: &str, params: usize) -> Option<&Function> {
        self.0.iter().find(|function| function.name == name && function.params.len() == params)
    }
}

/// A function's statements. The tree shows them only to a walk, which tells not whose they are: so each function
/// is walked alone.
fn body(ast: &AST, name: &str, params: usize) -> Vec<Stmt> {
    let mut alone = ast.clone_functions_only();
    alone.retain_functions(|_, _, known, count| known == name && count == params);
    let mut statements = Vec::new();
    alone.walk(&mut |path: &[ASTNode]| {
        if let [ASTNode::Stmt(statement)] = path {
            statements.push((*statement).clone());
        }
        true
    });
    statements
}
