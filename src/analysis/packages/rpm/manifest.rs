//! The list that a distroless Azure Linux keeps instead of a database: `container-manifest-2`, ten columns by tabs.

use crate::analysis::packages::bytes::{lines, number, text};
use crate::analysis::packages::record::Record;

/// Its packages. It tells no files.
pub fn manifest(bytes: &[u8]) -> Vec<Record> {
    lines(bytes)
        .filter_map(|line| {
            let columns: Vec<_> = line.split(|&byte| byte == b'\t').collect();
            let [name, version, _, _, vendor, _, size, arch, epoch, source, ..] = columns[..] else { return None };
            let epoch = number(epoch).filter(|epoch| *epoch != 0).map(|epoch| format!("{epoch}:"));
            Some(Record {
                name: text(name),
                version: epoch.unwrap_or_default() + &text(version),
                arch: text(arch),
                source: super::source_name(&text(source)).to_owned(),
                origin: text(vendor),
                size: number(size),
                ..Record::default()
            })
        })
        .filter(|record| !record.name.is_empty() && record.name != "gpg-pubkey")
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_columns_are_a_package() {
        let read = manifest(
            b"bash\t5.1.8-1.cm2\t1653816591\t1653628955\tMicrosoft\t(none)\t4160222\tx86_64\t0\tbash-5.1.8-1.cm2.src.rpm\nshort\tline\n",
        );
        assert_eq!(read.len(), 1);
        assert_eq!(
            (read[0].version.as_str(), read[0].source.as_str(), read[0].size),
            ("5.1.8-1.cm2", "bash", Some(4_160_222))
        );
    }
}
