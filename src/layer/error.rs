//! Why a layer could not be read. The text is shown as the reason of a failed layer.

use std::io;

/// What is wrong with a layer.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// The stream ended inside a header or a file.
    #[error("it ends in the middle: {missing} more bytes were expected at byte {at}")]
    Truncated {
        /// Byte in the decompressed tar at which it ends.
        at: u64,
        /// Bytes that are missing at least.
        missing: u64,
    },
    /// A header whose checksum does not fit its bytes.
    #[error("the tar header at byte {0} has a bad checksum")]
    Checksum(u64),
    /// A header field that is not a number.
    #[error("the tar header at byte {at} has a bad {field}")]
    Field {
        /// Byte in the decompressed tar.
        at: u64,
        /// Name of the field.
        field: &'static str,
    },
    /// PAX records that do not follow `LENGTH KEY=VALUE\n`.
    #[error("the PAX header at byte {at} is broken: {what}")]
    Pax {
        /// Byte in the decompressed tar.
        at: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// A sparse map that does not fit its file.
    #[error("the sparse map at byte {0} is broken")]
    Sparse(u64),
    /// Something is larger than a layer may have it.
    #[error("{what} is over the limit of {limit}")]
    TooMuch {
        /// What is too large.
        what: String,
        /// The limit, in the unit that `what` names.
        limit: u64,
    },
    /// A compression that is recognised and not supported.
    #[error("it is compressed with {0}, which layerscope does not read (gzip, zstd and plain tar are)")]
    Compression(&'static str),
    /// Neither a tar nor anything that unpacks to one.
    #[error("it is not a tar archive (it begins with {0})")]
    NotTar(String),
    /// Not a byte in it. Even a layer without entries has its end blocks.
    #[error("it is empty")]
    Empty,
    /// Decompression needs more than there is.
    #[error("it ends in the middle of its compressed data ({0})")]
    Incomplete(io::Error),
    /// Whoever takes the contents has enough. That is no failure.
    #[error("no more was wanted")]
    Enough,
    /// Reading or decompressing failed.
    #[error("{0}")]
    Io(io::Error),
}

impl From<io::Error> for LayerError {
    fn from(error: io::Error) -> Self {
        // Only decoders say so; the end of plain data is no error to a reader.
        if error.kind() == io::ErrorKind::UnexpectedEof { Self::Incomplete(error) } else { Self::Io(error) }
    }
}
