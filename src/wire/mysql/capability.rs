//! Capability flags (manual: "Capabilities Flags"), and the server's status flags (manual: "SERVER_STATUS_flags_enum").

/// What two ends have agreed on. MariaDB's own flags are the upper 32 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(pub u64);

impl Capabilities {
    /// Servers of MariaDB leave it out: that is how they say that they have flags of their own.
    pub const MYSQL: Self = Self(1);
    pub const CONNECT_WITH_DB: Self = Self(1 << 3);
    pub const COMPRESS: Self = Self(1 << 5);
    pub const LOCAL_FILES: Self = Self(1 << 7);
    pub const PROTOCOL_41: Self = Self(1 << 9);
    pub const SSL: Self = Self(1 << 11);
    pub const SECURE_CONNECTION: Self = Self(1 << 15);
    pub const MULTI_STATEMENTS: Self = Self(1 << 16);
    pub const MULTI_RESULTS: Self = Self(1 << 17);
    pub const PS_MULTI_RESULTS: Self = Self(1 << 18);
    pub const PLUGIN_AUTH: Self = Self(1 << 19);
    pub const CONNECT_ATTRS: Self = Self(1 << 20);
    pub const PLUGIN_AUTH_LENENC_CLIENT_DATA: Self = Self(1 << 21);
    pub const SESSION_TRACK: Self = Self(1 << 23);
    pub const DEPRECATE_EOF: Self = Self(1 << 24);
    pub const OPTIONAL_RESULTSET_METADATA: Self = Self(1 << 25);
    pub const ZSTD_COMPRESSION: Self = Self(1 << 26);
    pub const QUERY_ATTRIBUTES: Self = Self(1 << 27);
    /// Of MariaDB: errors of number 0xffff report progress and end nothing.
    pub const MARIADB_PROGRESS: Self = Self(1 << 32);
    pub const MARIADB_BULK_OPERATIONS: Self = Self(1 << 34);
    /// Of MariaDB: metadata that the client has already may be left out.
    pub const MARIADB_CACHE_METADATA: Self = Self(1 << 36);

    pub fn has(self, flag: Self) -> bool {
        self.0 & flag.0 == flag.0
    }

    pub const fn with(self, flag: Self) -> Self {
        Self(self.0 | flag.0)
    }

    pub fn without(self, flag: Self) -> Self {
        Self(self.0 & !flag.0)
    }

    /// Without those that have done their part when the login is over.
    pub fn beyond_login(self) -> Self {
        const OF_LOGIN: Capabilities = Capabilities::MYSQL
            .with(Capabilities::CONNECT_WITH_DB)
            .with(Capabilities::SSL)
            .with(Capabilities::SECURE_CONNECTION)
            .with(Capabilities::PLUGIN_AUTH)
            .with(Capabilities::CONNECT_ATTRS)
            .with(Capabilities::PLUGIN_AUTH_LENENC_CLIENT_DATA);
        self.without(OF_LOGIN)
    }

    /// What both know.
    pub fn both(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub fn set(self, flag: Self, on: bool) -> Self {
        if on { self.with(flag) } else { self.without(flag) }
    }
}

/// Where the session is, by the word of the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status(pub u16);

impl Status {
    pub const IN_TRANS: Self = Self(0x0001);
    pub const AUTOCOMMIT: Self = Self(0x0002);
    pub const MORE_RESULTS_EXISTS: Self = Self(0x0008);
    pub const CURSOR_EXISTS: Self = Self(0x0040);
    pub const NO_BACKSLASH_ESCAPES: Self = Self(0x0200);
    pub const IN_TRANS_READONLY: Self = Self(0x2000);
    pub const SESSION_STATE_CHANGED: Self = Self(0x4000);

    pub fn has(self, flag: Self) -> bool {
        self.0 & flag.0 == flag.0
    }
}
