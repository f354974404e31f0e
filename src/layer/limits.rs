//! How much of anything a layer may hold before it is refused. Hostile input is normal input.

/// Limits on one layer. The defaults are far above what real images need and far below what hurts.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Longest path in bytes. Linux refuses paths over 4096; archives may hold longer ones that were made relative.
    pub path_bytes: usize,
    /// Deepest nesting of folders.
    pub depth: usize,
    /// Most entries in one layer.
    pub entries: u64,
    /// Largest PAX header, GNU long name or sparse map in bytes (Go's archive/tar stops at 1 MiB too).
    pub meta_bytes: u64,
    /// Decompressed bytes that are free of the ratio test.
    pub free_decoded_bytes: u64,
    /// Most decompressed bytes for a compressed byte. Gzip cannot pass 1032; only zstd can come near this.
    pub ratio: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            path_bytes: 32 * 1024,
            depth: 2048,
            entries: 50_000_000,
            meta_bytes: 1024 * 1024,
            free_decoded_bytes: 8 * 1024 * 1024 * 1024,
            ratio: 2000,
        }
    }
}
