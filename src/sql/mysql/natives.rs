//! Words before a parenthesis that cannot be a stored function: keywords, and functions of the server's own, which
//! win over a stored one of the same name as long as no database is named.
//!
//! For many of the latter that is so only where the parenthesis follows at once: `now ()` calls a stored function of that
//! name if there is one (measured on both servers; `IGNORE_SPACE` would change it).
//!
//! Only what both MariaDB 10.11 and MySQL 8.4 have: another name may be a stored function on one of them.

/// Whether the word, a parenthesis behind it, stands for no stored function. `at_once`: nothing stands between the two.
pub(super) fn is_native(name: &[u8], at_once: bool) -> bool {
    let mut buffer = [0; LONGEST];
    let Some(lower) = buffer.get_mut(..name.len()) else {
        return false;
    };
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    let among =
        |list: &[&str]| std::str::from_utf8(lower).is_ok_and(|lower| list.binary_search(&lower).is_ok());
    among(KEYWORDS) || (at_once && among(FUNCTIONS))
}

const LONGEST: usize = 24;

#[rustfmt::skip]
const KEYWORDS: &[&str] = &[
    "all", "and", "any", "as", "between", "bigint", "binary", "by", "case", "char", "decimal", "distinct",
    "div", "else", "except", "exists", "from", "group", "having", "if", "in", "insert", "int", "intersect",
    "interval", "is", "join", "key", "left", "like", "limit", "match", "mod", "not", "on", "or", "order",
    "over", "partition", "regexp", "repeat", "replace", "right", "rlike", "row", "select", "set", "some",
    "then", "union", "user", "using", "values", "varchar", "when", "where", "with", "xor",
];

#[rustfmt::skip]
const FUNCTIONS: &[&str] = &[
    "abs", "adddate", "addtime", "ascii", "avg", "bin", "bit_and", "bit_or", "bit_xor", "cast", "ceil",
    "ceiling", "char_length", "charset", "coalesce", "collation", "concat", "concat_ws", "convert", "cos",
    "count", "curdate", "current_date", "current_time", "current_timestamp", "current_user", "curtime",
    "database", "date", "date_add", "date_format", "date_sub", "datediff", "datetime", "day", "dayname",
    "dayofmonth", "dayofweek", "dayofyear", "dense_rank", "elt", "exp", "extract", "field", "find_in_set",
    "first_value", "floor", "format", "found_rows", "from_unixtime", "get_lock", "greatest", "group_concat",
    "hex", "hour", "ifnull", "instr", "isnull", "json_array", "json_arrayagg", "json_contains",
    "json_extract", "json_length", "json_object", "json_objectagg", "json_unquote", "json_valid", "lag",
    "last_day", "last_insert_id", "last_value", "lcase", "lead", "least", "length", "ln", "locate", "log",
    "log10", "log2", "lower", "lpad", "ltrim", "max", "md5", "microsecond", "mid", "min", "minute", "month",
    "monthname", "now", "nth_value", "ntile", "nullif", "pow", "power", "quarter", "rand", "rank",
    "regexp_replace", "regexp_substr", "release_lock", "reverse", "round", "row_count", "row_number", "rpad",
    "rtrim", "schema", "sec_to_time", "second", "session_user", "sha", "sha1", "sha2", "sign", "sin", "sleep",
    "space", "sqrt", "std", "stddev", "str_to_date", "strcmp", "subdate", "substr", "substring",
    "substring_index", "subtime", "sum", "sysdate", "system_user", "tan", "time", "time_format",
    "time_to_sec", "timediff", "timestamp", "timestampadd", "timestampdiff", "to_days", "trim", "truncate",
    "ucase", "unhex", "unix_timestamp", "upper", "utc_date", "utc_time", "utc_timestamp", "uuid", "variance",
    "version", "week", "weekday", "year",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted_so_that_they_can_be_searched() {
        for table in [KEYWORDS, FUNCTIONS] {
            assert!(table.windows(2).all(|pair| matches!(pair, [a, b] if a < b)));
            assert!(table.iter().all(|name| name.len() <= LONGEST));
        }
    }
}
