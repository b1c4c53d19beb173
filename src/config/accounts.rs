//! `[cluster.auth]` and `[cluster.service]`: who authenticates clients, and how lull logs in by itself.

use toml::Spanned;

use super::{
    Auth, AuthMode, ConfigError, Protocol, Service,
    raw::{self, Place},
};

pub(super) fn auth(
    raw: Option<Spanned<raw::Auth>>,
    service: Option<&Service>,
    protocol: Protocol,
    place: &Place<'_>,
) -> Result<Auth, ConfigError> {
    let Some(raw) = raw else {
        return Ok(Auth::default());
    };
    let at = raw.span().start;
    let raw::Auth {
        mode,
        peer,
        users_file,
        auth_query,
    } = raw.into_inner();
    if mode == AuthMode::Terminate {
        // Who is in could become anybody whose account has no password.
        if protocol == Protocol::MySql && peer {
            return Err(place.wrong(
                at,
                "mode = \"terminate\" does not go with peer = true for MySQL: COM_CHANGE_USER would let every \
                 client become every user",
            ));
        }
        if users_file.is_none() && auth_query.is_none() {
            return Err(place.wrong(
                at,
                "mode = \"terminate\" needs users_file or auth_query: else nobody could log in",
            ));
        }
    }
    if let Some(query) = &auth_query {
        let wrong = |wrong| Err(place.wrong(query.span().start, wrong));
        if !query.get_ref().contains("$1") {
            return wrong("auth_query must ask for the user $1");
        }
        if service.is_none() {
            return wrong("auth_query needs [cluster.service], the account that may ask it");
        }
    }
    Ok(Auth {
        mode,
        peer,
        users_file,
        auth_query: auth_query.map(Spanned::into_inner),
    })
}

pub(super) fn service(
    raw: Option<Spanned<raw::Service>>,
    protocol: Protocol,
    place: &Place<'_>,
) -> Result<Option<Service>, ConfigError> {
    let Some(raw) = raw else {
        return Ok(None);
    };
    let at = raw.span().start;
    let raw::Service {
        user,
        database,
        password_file,
        cert,
        key,
    } = raw.into_inner();
    if user.get_ref().is_empty() {
        return Err(place.wrong(user.span().start, "an empty name in user"));
    }
    if cert.is_some() != key.is_some() {
        return Err(place.wrong(at, "cert and key go together: give both or none"));
    }
    let database = database.map_or_else(|| database_by_default(protocol).to_owned(), Spanned::into_inner);
    Ok(Some(Service {
        user: user.into_inner(),
        database,
        password_file,
        cert,
        key,
    }))
}

/// For who asks for nothing in particular: one that is there on every server, or none where none is needed.
fn database_by_default(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::PostgreSql => "postgres",
        Protocol::MySql => "",
    }
}
