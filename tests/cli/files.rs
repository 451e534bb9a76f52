//! Files of a test, gone with it.

use gatehouse::cli::source::{self, Problem, Row, Source};
use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// A folder that is removed in the end.
pub struct Folder(PathBuf);

impl Folder {
    /// An empty one.
    pub fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("gatehouse-test-{}-{count}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// A path inside.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// A file inside, with this content.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A source and the folder that its file is in.
pub struct Opened(Box<dyn Source>, #[allow(dead_code)] Folder);

impl AsRef<dyn Source> for Opened {
    fn as_ref(&self) -> &(dyn Source + 'static) {
        self.0.as_ref()
    }
}

/// Opens what a dump says.
pub fn open(content: impl AsRef<[u8]>) -> Result<Opened, Problem> {
    let folder = Folder::new();
    let path = folder.file("dump.sql", content);
    Ok(Opened(source::open(&path, None)?, folder))
}

/// Every row of a table.
pub fn rows(source: &dyn Source, table: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    source
        .read(table, &mut |row| {
            rows.push(row);
            ControlFlow::Continue(())
        })
        .unwrap();
    rows
}

/// A file of the data of a real install, which is not part of the project; `None`, said loudly, where it is absent.
pub fn real(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/authhero").join(name);
    if !path.exists() {
        println!("SKIPPED: the data of a real install is not at {}", path.display());
        return None;
    }
    Some(path)
}
