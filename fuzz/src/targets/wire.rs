//! The decoders: no panic on any bytes, and what is read is written back as it was.

use lull::wire::pg::{backend, error::Fields, frame, frontend, startup};

pub fn run(bytes: &[u8]) {
    let _ = (
        frontend::query(bytes),
        frontend::parse(bytes),
        frontend::bind(bytes),
    );
    let _ = (
        frontend::execute(bytes),
        frontend::named(bytes),
        frontend::function_call(bytes),
    );
    let _ = (backend::ready_for_query(bytes), backend::parameter_status(bytes));
    let _ = (
        backend::command_complete(bytes),
        startup::opening(bytes),
        frame::header(bytes),
    );
    if let Some(row) = backend::data_row(bytes) {
        let size: usize = row.iter().map(|column| 4 + column.map_or(0, <[u8]>::len)).sum();
        assert!(size + 2 <= bytes.len(), "a row is no larger than its message");
    }
    if let Some(fields) = Fields::read(bytes) {
        let mut written = Vec::new();
        fields.write(&mut written);
        assert_eq!(Fields::read(&written[5..]), Some(fields.clone()));
        let mut more = fields.clone();
        more.add(b'D', "detail");
        more.add(b'H', "hint");
        assert_eq!(more.sqlstate(), fields.sqlstate());
        assert!(more.get(b'D').is_some() && more.get(b'H').is_some());
    }
}
