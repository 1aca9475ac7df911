//! Reads which modules of its crate a source file uses. As much of Rust's syntax as that takes, and no more.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A module by its path from the root of its crate.
pub(super) type ModulePath = Vec<String>;

/// A module, and the modules of its crate it uses.
pub(super) struct Module {
    pub(super) path: ModulePath,
    pub(super) uses: BTreeSet<ModulePath>,
}

/// What stands in one file.
struct Source {
    /// Every name a `use` declares, with the path it stands for.
    names: BTreeMap<String, Vec<String>>,
    /// Paths the module itself uses; those it only re-exports are not among them.
    paths: Vec<Vec<String>>,
}

type Sources = BTreeMap<ModulePath, Source>;

/// The modules of the crate whose sources are in this folder, without tests.
pub(super) fn modules(folder: &Path) -> Vec<Module> {
    let mut texts = BTreeMap::new();
    collect(folder, &mut Vec::new(), &mut texts);
    let mut tests = BTreeSet::new();
    let mut tokens = BTreeMap::new();
    for (path, text) in &texts {
        let (kept, children) = without_tests(&lex(text));
        tests.extend(children.into_iter().map(|child| [path.as_slice(), &[child]].concat()));
        tokens.insert(path.clone(), kept);
    }
    tokens.retain(|path, _| !tests.iter().any(|test: &ModulePath| path.starts_with(test)));
    let known: BTreeSet<ModulePath> = tokens.keys().cloned().collect();
    let sources: Sources =
        tokens.iter().map(|(path, tokens)| (path.clone(), read(path, tokens, &known))).collect();
    let uses = |path: &ModulePath, source: &Source| {
        let targets = source.paths.iter().filter_map(|used| resolve(&sources, path, used, 0));
        targets.filter(|target| target != path).collect()
    };
    sources.iter().map(|(path, one)| Module { path: path.clone(), uses: uses(path, one) }).collect()
}

fn collect(folder: &Path, at: &mut ModulePath, texts: &mut BTreeMap<ModulePath, String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let file = entry.path();
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if file.is_dir() {
            at.push(name);
            // A module that is declared in its parent's file, with its children in a folder.
            texts.entry(at.clone()).or_default();
            collect(&file, at, texts);
            at.pop();
        } else if file.extension().is_some_and(|ending| ending == "rs") {
            let mut path = at.clone();
            if !["lib", "main", "mod"].contains(&name.as_str()) {
                path.push(name);
            }
            texts.insert(path, std::fs::read_to_string(&file).unwrap_or_default());
        }
    }
}

/// The module a path leads to: that of the item's definition, re-exports followed.
fn resolve(
    sources: &Sources,
    from: &ModulePath,
    path: &[String],
    depth: usize,
) -> Option<ModulePath> {
    let mut at = from.clone();
    let mut rest = path.iter().peekable();
    match path.first()?.as_str() {
        "crate" => {
            at.clear();
            rest.next();
        }
        "self" => drop(rest.next()),
        "super" => {
            while rest.next_if(|part| *part == "super").is_some() {
                at.pop();
            }
        }
        child => {
            let child = [from.as_slice(), &[child.to_owned()]].concat();
            sources.get(&child)?;
        }
    }
    for part in rest {
        let child = [at.as_slice(), std::slice::from_ref(part)].concat();
        if sources.contains_key(&child) {
            at = child;
            continue;
        }
        let renamed = sources.get(&at).and_then(|source| source.names.get(part));
        let followed = renamed.filter(|_| depth < 8);
        return match followed.and_then(|path| resolve(sources, &at, path, depth + 1)) {
            Some(target) => Some(target),
            // Defined here, or a name of another crate that is handed on here.
            None => Some(at),
        };
    }
    Some(at)
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    /// `::`
    Path,
    Sign(char),
}

fn lex(text: &str) -> Vec<Token> {
    let signs: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&sign) = signs.get(at) {
        let next = signs.get(at + 1).copied();
        match (sign, next) {
            ('/', Some('/')) => at = find(&signs, at, &['\n']),
            ('/', Some('*')) => at = find(&signs, at + 2, &['*', '/']),
            ('r' | 'b', Some('"' | '#' | 'r')) if raw(&signs, at).is_some() => {
                let (start, hashes) = raw(&signs, at).unwrap_or((at, 0));
                let mut end = vec!['"'];
                end.extend(std::iter::repeat_n('#', hashes));
                at = find(&signs, start, &end);
            }
            ('"', _) => at = quoted(&signs, at),
            ('\'', Some('\\')) => at = find(&signs, at + 3, &['\'']),
            ('\'', Some(_)) if signs.get(at + 2) == Some(&'\'') => at += 3,
            (':', Some(':')) => {
                tokens.push(Token::Path);
                at += 2;
            }
            (sign, _) if sign.is_alphabetic() || sign == '_' => {
                let word = signs[at..].iter().take_while(|s| s.is_alphanumeric() || **s == '_');
                let word: String = word.collect();
                at += word.chars().count();
                tokens.push(Token::Word(word));
            }
            (sign, _) => {
                if !sign.is_whitespace() {
                    tokens.push(Token::Sign(sign));
                }
                at += 1;
            }
        }
    }
    tokens
}

/// Where a raw string's text begins, and how many `#` end it.
fn raw(signs: &[char], at: usize) -> Option<(usize, usize)> {
    let rest = &signs[at..];
    let prefix = rest.iter().take_while(|sign| ['b', 'r'].contains(sign)).count();
    let hashes = rest[prefix..].iter().take_while(|sign| **sign == '#').count();
    let quoted = rest.get(prefix + hashes) == Some(&'"');
    let is_raw = rest[..prefix].contains(&'r');
    (quoted && is_raw).then_some((at + prefix + hashes + 1, hashes))
}

/// Behind the next place these stand.
fn find(signs: &[char], from: usize, wanted: &[char]) -> usize {
    let rest = signs.get(from..).unwrap_or_default();
    let place = rest.windows(wanted.len()).position(|window| window == wanted);
    place.map_or(signs.len(), |place| from + place + wanted.len())
}

fn quoted(signs: &[char], from: usize) -> usize {
    let mut at = from + 1;
    while let Some(sign) = signs.get(at) {
        match sign {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    at
}

/// The tokens without items that are for tests only, and the names of modules that are.
fn without_tests(tokens: &[Token]) -> (Vec<Token>, Vec<String>) {
    let marker = lex("#[cfg(test)]");
    let (mut kept, mut modules) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < tokens.len() {
        if !tokens[at..].starts_with(&marker) {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        let end = item_end(tokens, at + marker.len());
        let item = &tokens[at + marker.len()..end];
        let is_module = |pair: &[Token]| pair[0] == Token::Word("mod".to_owned());
        if let Some(place) = item.windows(2).position(is_module)
            && let Some(Token::Word(name)) = item.get(place + 1)
        {
            modules.push(name.clone());
        }
        at = end;
    }
    (kept, modules)
}

/// Behind the item that begins here: its `;`, or the end of its first block.
fn item_end(tokens: &[Token], from: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(from) {
        match token {
            Token::Sign('{') => depth += 1,
            Token::Sign('}') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            Token::Sign(';') if depth == 0 => return at + 1,
            _ => {}
        }
    }
    tokens.len()
}

fn read(module: &ModulePath, tokens: &[Token], known: &BTreeSet<ModulePath>) -> Source {
    let mut source = Source { names: BTreeMap::new(), paths: Vec::new() };
    let mut at = 0;
    while at < tokens.len() {
        let Token::Word(word) = &tokens[at] else {
            at += 1;
            continue;
        };
        if word == "use" {
            let end = at + tokens[at..].iter().position(|t| *t == Token::Sign(';')).unwrap_or(0);
            let exported = is_exported(&tokens[..at]);
            let mut leaves = Vec::new();
            tree(&tokens[at + 1..end.max(at + 1)], &[], &mut leaves);
            for (name, path) in leaves {
                if !exported {
                    source.paths.push(path.clone());
                }
                source.names.insert(name, path);
            }
            at = end.max(at + 1);
            continue;
        }
        let path = path_at(tokens, at);
        let child = [module.as_slice(), std::slice::from_ref(word)].concat();
        let ours = ["crate", "self", "super"].contains(&word.as_str()) || known.contains(&child);
        at += (path.len() * 2).saturating_sub(1).max(1);
        if ours && path.len() > 1 {
            source.paths.push(path);
        }
    }
    source
}

/// Whether `pub` or `pub(..)` stands before.
fn is_exported(before: &[Token]) -> bool {
    match before.last() {
        Some(Token::Word(word)) => word == "pub",
        Some(Token::Sign(')')) => {
            let open = before.iter().rposition(|token| *token == Token::Sign('('));
            open.and_then(|open| before[..open].last()) == Some(&Token::Word("pub".to_owned()))
        }
        _ => false,
    }
}

fn path_at(tokens: &[Token], from: usize) -> Vec<String> {
    let mut path = Vec::new();
    let mut at = from;
    while let Some(Token::Word(word)) = tokens.get(at) {
        path.push(word.clone());
        if tokens.get(at + 1) != Some(&Token::Path) {
            break;
        }
        at += 2;
    }
    path
}

/// The leaves of a `use` tree: the name each declares, and its path. A `*` declares none.
fn tree(tokens: &[Token], prefix: &[String], leaves: &mut Vec<(String, Vec<String>)>) {
    let mut path = prefix.to_vec();
    let mut name = None;
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match token {
            Token::Word(word) if word == "as" => {
                if let Some(Token::Word(alias)) = tokens.get(at + 1) {
                    name = Some(alias.clone());
                }
                at += 1;
            }
            Token::Word(word) if word == "self" && !path.is_empty() => {}
            Token::Word(word) => path.push(word.clone()),
            Token::Sign('{') => {
                let end = item_end(tokens, at);
                for part in branches(&tokens[at + 1..end - 1]) {
                    tree(part, &path, leaves);
                }
                return;
            }
            Token::Sign('*') => name = Some("*".to_owned()),
            Token::Path | Token::Sign(_) => {}
        }
        at += 1;
    }
    if let Some(last) = path.last() {
        leaves.push((name.unwrap_or_else(|| last.clone()), path));
    }
}

/// The parts between the commas of one level.
fn branches(tokens: &[Token]) -> Vec<&[Token]> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Sign('{') => depth += 1,
            Token::Sign('}') => depth = depth.saturating_sub(1),
            Token::Sign(',') if depth == 0 => {
                parts.push(&tokens[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&tokens[start..]);
    parts.retain(|part| !part.is_empty());
    parts
}

#[test]
fn a_file_is_read_as_the_compiler_reads_it() {
    let text = r#"
        //! use crate::comment::X;
        use super::b::{self, C as D, e::{F, G}};
        pub(crate) use inner::Item;
        fn f() { crate::h::i(); let _ = "crate::text::J"; let c = '"'; super::k::L::new() }
        #[cfg(test)] mod tests { use crate::only_in_tests; }
        #[cfg(test)]
        mod fixture;
    "#;
    let (tokens, tests) = without_tests(&lex(text));
    let source = read(&vec!["a".to_owned()], &tokens, &BTreeSet::new());
    let paths: Vec<String> = source.paths.iter().map(|path| path.join("::")).collect();
    let expected = [
        "super::b",
        "super::b::C",
        "super::b::e::F",
        "super::b::e::G",
        "crate::h::i",
        "super::k::L::new",
    ];
    assert_eq!(paths, expected);
    assert_eq!(source.names["Item"], ["inner", "Item"]);
    assert_eq!(source.names["D"], ["super", "b", "C"]);
    assert_eq!(tests, ["tests", "fixture"]);
}
