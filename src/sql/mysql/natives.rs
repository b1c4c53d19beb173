//! Words before a parenthesis that cannot be a stored function: keywords, and functions of the server's own, which win
//! over a stored one of the same name as long as no database is named. (A stored function needs its database named then.)
//!
//! Only what both MariaDB 10.11 and MySQL 8.4 have: another name may be a stored function on one of them.

pub(super) fn is_native(name: &[u8]) -> bool {
    let mut buffer = [0; LONGEST];
    let Some(lower) = buffer.get_mut(..name.len()) else {
        return false;
    };
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    std::str::from_utf8(lower).is_ok_and(|lower| NATIVES.binary_search(&lower).is_ok())
}

const LONGEST: usize = 24;

#[rustfmt::skip]
const NATIVES: &[&str] = &[
    "abs", "adddate", "addtime", "all", "and", "any", "as", "ascii", "avg", "between", "bigint", "bin",
    "binary", "bit_and", "bit_or", "bit_xor", "by", "case", "cast", "ceil", "ceiling", "char", "char_length",
    "charset", "coalesce", "collation", "concat", "concat_ws", "convert", "cos", "count", "curdate",
    "current_date", "current_time", "current_timestamp", "current_user", "curtime", "database", "date",
    "date_add", "date_format", "date_sub", "datediff", "datetime", "day", "dayname", "dayofmonth",
    "dayofweek", "dayofyear", "decimal", "dense_rank", "distinct", "div", "else", "elt", "except", "exists",
    "exp", "extract", "field", "find_in_set", "first_value", "floor", "format", "found_rows", "from",
    "from_unixtime", "get_lock", "greatest", "group_concat", "having", "hex", "hour", "if", "ifnull", "in",
    "insert", "instr", "int", "intersect", "interval", "is", "isnull", "join", "json_array", "json_arrayagg",
    "json_contains", "json_extract", "json_length", "json_object", "json_objectagg", "json_unquote",
    "json_valid", "key", "lag", "last_day", "last_insert_id", "last_value", "lcase", "lead", "least", "left",
    "length", "like", "limit", "ln", "locate", "log", "log10", "log2", "lower", "lpad", "ltrim", "match",
    "max", "md5", "microsecond", "mid", "min", "minute", "mod", "month", "monthname", "not", "now",
    "nth_value", "ntile", "nullif", "on", "or", "order", "over", "partition", "pow", "power", "quarter",
    "rand", "rank", "regexp", "regexp_replace", "regexp_substr", "release_lock", "repeat", "replace",
    "reverse", "right", "rlike", "round", "row", "row_count", "row_number", "rpad", "rtrim", "schema",
    "sec_to_time", "second", "select", "session_user", "set", "sha", "sha1", "sha2", "sign", "sin", "sleep",
    "some", "space", "sqrt", "std", "stddev", "str_to_date", "strcmp", "subdate", "substr", "substring",
    "substring_index", "subtime", "sum", "sysdate", "system_user", "tan", "then", "time", "time_format",
    "time_to_sec", "timediff", "timestamp", "timestampadd", "timestampdiff", "to_days", "trim", "truncate",
    "ucase", "unhex", "union", "unix_timestamp", "upper", "user", "using", "utc_date", "utc_time",
    "utc_timestamp", "uuid", "values", "varchar", "variance", "version", "week", "weekday", "when", "where",
    "with", "xor", "year",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_so_that_it_can_be_searched() {
        assert!(NATIVES.windows(2).all(|pair| matches!(pair, [a, b] if a < b)));
        assert!(NATIVES.iter().all(|name| name.len() <= LONGEST));
    }
}
