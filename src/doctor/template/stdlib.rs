//! What go-jsonnet v0.21, the interpreter in Kratos v26.2.0, has in `std` and ours has not. Kratos adds nothing of its own.

/// Put over `std`. Written from the standard library's documentation.
pub(super) const ADDED: &str = r"
std + {
  get(o, f, default=null, inc_hidden=true)::
    if (if inc_hidden then std.objectHasAll(o, f) else std.objectHas(o, f)) then o[f] else default,
  any(arr):: std.length([x for x in arr if x]) > 0,
  all(arr):: std.length([x for x in arr if !x]) == 0,
  sum(arr):: std.foldl(function(a, b) a + b, arr, 0),
  avg(arr):: self.sum(arr) / std.length(arr),
  trim(str):: std.stripChars(str, ' \t\n\f\r\u0085\u00a0'),
  contains(arr, elem):: std.length([x for x in arr if x == elem]) > 0,
  isEmpty(str):: std.length(str) == 0,
  isEven(x):: self.round(x) % 2 == 0,
  isOdd(x):: self.round(x) % 2 != 0,
  isInteger(x):: std.floor(x) == x,
  isDecimal(x):: std.floor(x) != x,
  round(x):: std.floor(x + 0.5),
  equalsIgnoreCase(a, b):: std.asciiLower(a) == std.asciiLower(b),
  xor(a, b):: a != b,
  xnor(a, b):: a == b,
  flattenDeepArray(value)::
    if std.isArray(value) then std.foldl(function(kept, x) kept + $.flattenDeepArray(x), value, []) else [value],
  objectKeysValues(o):: [{ key: k, value: o[k] } for k in std.objectFields(o)],
  objectKeysValuesAll(o):: [{ key: k, value: o[k] } for k in std.objectFieldsAll(o)],
  objectRemoveKey(o, key):: { [k]: o[k] for k in std.objectFields(o) if k != key },
  removeAt(arr, at):: [arr[i] for i in std.range(0, std.length(arr) - 1) if i != at],
  remove(arr, elem)::
    local found = std.find(elem, arr);
    if std.length(found) == 0 then arr else self.removeAt(arr, found[0]),
  minArray(arr, keyF=function(x) x):: std.foldl(function(a, b) if keyF(b) < keyF(a) then b else a, arr, arr[0]),
  maxArray(arr, keyF=function(x) x):: std.foldl(function(a, b) if keyF(b) > keyF(a) then b else a, arr, arr[0]),
  manifestJsonMinified(value):: std.manifestJsonEx(value, ''),
  splitLimitR(str, c, maxsplits)::
    if maxsplits == -1 then std.split(str, c)
    else
      local parts = std.split(str, c);
      local keep = std.length(parts) - maxsplits;
      if keep <= 1 then parts else [std.join(c, parts[0:keep])] + parts[keep:],
}
";
