//! Which file of the crate uses which other one, read from the code itself.
//!
//! Follows `use`, `crate::`, `self::`, `super::` and re-exports to the file where a name is
//! defined; looks into the arguments of macros, too. A method call is not seen, but the type whose
//! method it is has to be named somewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path as FilePath;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{
    Attribute, ImplItemFn, Item, ItemMod, ItemUse, Macro, Path, TraitItemFn, TypeParamBound,
    TypeTraitObject, UseTree, Visibility,
};

/// A module's names from the root of the crate on.
type ModulePath = Vec<String>;

/// The modules of a crate, inline ones too.
#[derive(Default)]
pub(super) struct Code {
    modules: BTreeMap<ModulePath, Module>,
}

/// What stands in a module, without its tests.
#[derive(Default)]
struct Module {
    /// The file's path below `src`.
    file: String,
    /// What is defined here.
    items: BTreeSet<String>,
    /// What names brought in stand for.
    uses: BTreeMap<String, ModulePath>,
    /// The modules of which everything is brought in.
    globs: Vec<ModulePath>,
    /// Every path that is written here.
    written: Vec<WrittenPath>,
    /// What stands here that holds or takes a `dyn Fn`.
    callables: BTreeSet<String>,
}

struct WrittenPath {
    segments: ModulePath,
    /// Whether it is only handed on to others.
    is_reexport: bool,
}

/// One file uses something of another one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Dependency {
    /// The file that uses it, below `src`.
    pub(super) user: String,
    /// The file where it is defined.
    pub(super) used: String,
    /// Whether a folder's `mod.rs` only hands it on from a file of that folder.
    pub(super) is_facade: bool,
}

impl Code {
    /// Reads the files of a crate below a folder, but not those of its tests.
    pub(super) fn read(src: &FilePath) -> Self {
        let mut code = Self::default();
        code.read_folder(src, src);
        code
    }

    fn read_folder(&mut self, src: &FilePath, folder: &FilePath) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.read_folder(src, &path);
            } else if path.extension().is_some_and(|ending| ending == "rs")
                && !path.ends_with("tests.rs")
                && !path.ends_with("main.rs")
            {
                let file = path.strip_prefix(src).unwrap().to_str().unwrap();
                self.add_file(file, &fs::read_to_string(&path).unwrap());
            }
        }
    }

    /// Adds one file, whose path below `src` tells which module it is.
    pub(super) fn add_file(&mut self, file: &str, text: &str) {
        let path = file.trim_end_matches(".rs").trim_end_matches("/mod");
        let path: ModulePath = match path {
            "lib" => Vec::new(),
            path => path.split('/').map(str::to_owned).collect(),
        };
        let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}"));
        self.add_items(path, file, &parsed.items);
    }

    fn add_items(&mut self, path: ModulePath, file: &str, items: &[Item]) {
        let mut reader = ModuleReader {
            module: Module { file: file.to_owned(), ..Module::default() },
            inner: Vec::new(),
            within: String::new(),
        };
        for item in items {
            reader.module.items.extend(name_of(item));
            reader.visit_item(item);
        }
        for module in reader.inner {
            let (_, items) = module.content.unwrap();
            let path = path.iter().cloned().chain([module.ident.to_string()]).collect();
            self.add_items(path, file, &items);
        }
        self.modules.insert(path, reader.module);
    }

    /// The names of all files.
    pub(super) fn files(&self) -> BTreeSet<&str> {
        self.modules.values().map(|module| module.file.as_str()).collect()
    }

    /// Who uses whom.
    pub(super) fn dependencies(&self) -> BTreeSet<Dependency> {
        let mut all = BTreeSet::new();
        for (path, module) in &self.modules {
            for written in &module.written {
                let Some(home) = self.find_home(path, &written.segments, 0) else { continue };
                let used = &self.modules[&home];
                let is_below = home.starts_with(path);
                if used.file != module.file {
                    all.insert(Dependency {
                        user: module.file.clone(),
                        used: used.file.clone(),
                        is_facade: written.is_reexport && is_below,
                    });
                }
            }
        }
        all
    }

    /// What holds or takes a `dyn Fn`: the file, and the name of the type or function.
    pub(super) fn callables(&self) -> BTreeSet<(String, String)> {
        let of = |module: &Module| {
            let named = module.callables.iter();
            named.map(|name| (module.file.clone(), name.clone())).collect::<Vec<_>>()
        };
        self.modules.values().flat_map(of).collect()
    }

    /// The foreign crates that a file names.
    pub(super) fn foreign(&self) -> BTreeSet<(String, String)> {
        let mut all = BTreeSet::new();
        for (path, module) in &self.modules {
            for written in &module.written {
                let Some(first) = written.segments.first() else { continue };
                let mut inner = path.clone();
                inner.push(first.clone());
                let is_ours = self.modules.contains_key(&inner)
                    || module.uses.get(first).is_some_and(|meant| meant.first() != Some(first));
                if written.segments.len() > 1 && !is_ours {
                    all.insert((module.file.clone(), first.clone()));
                }
            }
        }
        all
    }

    /// The module where what a path names is defined; none if it is a module or not of this crate.
    fn find_home(&self, from: &[String], path: &[String], depth: usize) -> Option<ModulePath> {
        // Two names may stand for each other.
        let depth = (depth < 16).then_some(depth + 1)?;
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => return self.walk(Vec::new(), rest, depth),
            "self" => return self.walk(from.to_vec(), rest, depth),
            "super" => {
                let (_, outer) = from.split_last()?;
                let up = rest.first().is_some_and(|next| next == "super");
                return if up {
                    self.find_home(outer, rest, depth)
                } else {
                    self.walk(outer.to_vec(), rest, depth)
                };
            }
            _ => {}
        }
        let module = self.modules.get(from)?;
        let known = module.items.contains(first)
            || module.uses.contains_key(first)
            || self.modules.contains_key(&extend(from, first));
        if known {
            return self.walk(from.to_vec(), path, depth);
        }
        module.globs.iter().find_map(|glob| self.find_in_glob(from, glob, path, depth))
    }

    fn find_in_glob(
        &self,
        from: &[String],
        glob: &[String],
        path: &[String],
        depth: usize,
    ) -> Option<ModulePath> {
        let whole: ModulePath = glob.iter().chain(path).cloned().collect();
        // What a glob brings in is not told from what it does not, except by what is defined there.
        let home = self.find_home(from, &whole, depth)?;
        let module = &self.modules[&home];
        path.iter().any(|name| module.items.contains(name)).then_some(home)
    }

    /// Goes down from a module, and wherever a name leads.
    fn walk(&self, mut at: ModulePath, path: &[String], depth: usize) -> Option<ModulePath> {
        for (place, name) in path.iter().enumerate() {
            let inner = extend(&at, name);
            if self.modules.contains_key(&inner) {
                at = inner;
                continue;
            }
            let module = self.modules.get(&at)?;
            if module.items.contains(name) {
                return Some(at);
            }
            let rest = &path[place + 1..];
            if let Some(meant) = module.uses.get(name) {
                let whole: ModulePath = meant.iter().chain(rest).cloned().collect();
                return self.find_home(&at, &whole, depth);
            }
            let tail = &path[place..];
            let found = module.globs.iter().find_map(|g| self.find_in_glob(&at, g, tail, depth));
            return found.or(Some(at));
        }
        None
    }
}

fn extend(path: &[String], name: &str) -> ModulePath {
    path.iter().cloned().chain([name.to_owned()]).collect()
}

/// Collects what is written in a module.
struct ModuleReader {
    module: Module,
    /// Modules with their code between braces.
    inner: Vec<ItemMod>,
    /// The item that is being read.
    within: String,
}

impl ModuleReader {
    fn add_use(&mut self, tree: &UseTree, before: &[String], is_reexport: bool) {
        match tree {
            UseTree::Path(path) => {
                self.add_use(&path.tree, &extend(before, &path.ident.to_string()), is_reexport);
            }
            UseTree::Name(name) if name.ident == "self" => {
                let alias = before.last().unwrap().clone();
                self.bring_in(alias, before.to_vec(), is_reexport);
            }
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                self.bring_in(name.clone(), extend(before, &name), is_reexport);
            }
            UseTree::Rename(renamed) => {
                let path = extend(before, &renamed.ident.to_string());
                self.bring_in(renamed.rename.to_string(), path, is_reexport);
            }
            UseTree::Glob(_) => self.module.globs.push(before.to_vec()),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.add_use(tree, before, is_reexport);
                }
            }
        }
    }

    fn bring_in(&mut self, alias: String, path: ModulePath, is_reexport: bool) {
        self.module.written.push(WrittenPath { segments: path.clone(), is_reexport });
        self.module.uses.insert(alias, path);
    }

    /// Paths among the arguments of a macro, which need not be Rust.
    fn scan_tokens(&mut self, tokens: TokenStream) {
        let mut path: ModulePath = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(sign) if sign.as_char() == ':' => colons += 1,
                TokenTree::Ident(name) if colons == 2 && !path.is_empty() => {
                    path.push(name.to_string());
                    colons = 0;
                }
                TokenTree::Ident(name) => {
                    self.end_path(&mut path);
                    path.push(name.to_string());
                    colons = 0;
                }
                TokenTree::Group(group) => {
                    self.end_path(&mut path);
                    self.scan_tokens(group.stream());
                    colons = 0;
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {
                    self.end_path(&mut path);
                    colons = 0;
                }
            }
        }
        self.end_path(&mut path);
    }

    fn end_path(&mut self, path: &mut ModulePath) {
        let segments = std::mem::take(path);
        if segments.len() > 1 {
            self.module.written.push(WrittenPath { segments, is_reexport: false });
        }
    }
}

impl<'ast> Visit<'ast> for ModuleReader {
    fn visit_item(&mut self, item: &'ast Item) {
        if !attributes_of(item).iter().any(is_for_tests) {
            self.within = name_of(item).unwrap_or_default();
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.within = function.sig.ident.to_string();
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        self.within = function.sig.ident.to_string();
        visit::visit_trait_item_fn(self, function);
    }

    fn visit_type_trait_object(&mut self, object: &'ast TypeTraitObject) {
        let is_callable = |bound: &TypeParamBound| match bound {
            TypeParamBound::Trait(bound) => {
                let last = bound.path.segments.last();
                last.is_some_and(|name| ["Fn", "FnMut", "FnOnce"].iter().any(|it| name.ident == it))
            }
            _ => false,
        };
        if object.bounds.iter().any(is_callable) {
            self.module.callables.insert(self.within.clone());
        }
        visit::visit_type_trait_object(self, object);
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let is_reexport = !matches!(item.vis, Visibility::Inherited);
        self.add_use(&item.tree, &[], is_reexport);
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if item.content.is_some() {
            self.inner.push(item.clone());
        }
    }

    fn visit_path(&mut self, path: &'ast Path) {
        let segments = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.module.written.push(WrittenPath { segments, is_reexport: false });
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast Macro) {
        self.scan_tokens(called.tokens.clone());
        visit::visit_macro(self, called);
    }
}

fn is_for_tests(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute.parse_args::<Path>().is_ok_and(|condition| condition.is_ident("test"))
}

fn attributes_of(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn name_of(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}
