// assay/config/value.h: one tree for YAML, TOML and JSON, in which every value knows its line.
// Room: config (uses core).  Threads: plain values.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace assay::config {

// 1-based; the column counts bytes for JSON and characters for YAML and TOML. Line 0 is a value
// that stands in no file (an environment variable): errors then name the source alone.
struct Location {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
};

enum class Kind : std::uint8_t { kNull, kBool, kInteger, kFloat, kString, kList, kMap };

// "a string", "a list", ...: for error messages.
[[nodiscard]] std::string_view NameOf(Kind kind);

struct Member;

// A value and where it begins in its file. Dates and times of TOML are strings in RFC 3339 form.
class Value {
 public:
  using List = std::vector<Value>;
  using Map = std::vector<Member>;  // in file order

  Value();
  Value(std::monostate, Location location);
  Value(bool value, Location location);
  Value(std::int64_t value, Location location);
  Value(double value, Location location);
  Value(std::string value, Location location);
  Value(List value, Location location);
  Value(Map value, Location location);
  Value(const Value&);
  Value(Value&&) noexcept;
  Value& operator=(const Value&);
  Value& operator=(Value&&) noexcept;
  ~Value();

  [[nodiscard]] Kind kind() const { return static_cast<Kind>(data_.index()); }
  [[nodiscard]] Location location() const { return location_; }

  // Null when the value is of another kind.
  [[nodiscard]] const bool* as_bool() const { return std::get_if<bool>(&data_); }
  [[nodiscard]] const std::int64_t* as_integer() const { return std::get_if<std::int64_t>(&data_); }
  [[nodiscard]] const double* as_float() const { return std::get_if<double>(&data_); }
  [[nodiscard]] const std::string* as_string() const { return std::get_if<std::string>(&data_); }
  [[nodiscard]] const List* as_list() const { return std::get_if<List>(&data_); }
  [[nodiscard]] const Map* as_map() const { return std::get_if<Map>(&data_); }
  [[nodiscard]] List* as_list() { return std::get_if<List>(&data_); }
  [[nodiscard]] Map* as_map() { return std::get_if<Map>(&data_); }

  // The member of that key of a map; null when there is none or this is no map. O(members).
  [[nodiscard]] const Value* Find(std::string_view key) const;

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, List, Map> data_;
  Location location_;
};

struct Member {
  std::string key;
  Location key_location;
  Value value;
};

// Defined where Member is complete, as the standard asks for a vector of it.
inline Value::Value() = default;
inline Value::Value(std::monostate, Location location) : location_(location) {}
inline Value::Value(bool value, Location location) : data_(value), location_(location) {}
inline Value::Value(std::int64_t value, Location location) : data_(value), location_(location) {}
inline Value::Value(double value, Location location) : data_(value), location_(location) {}
inline Value::Value(std::string value, Location location)
    : data_(std::move(value)), location_(location) {}
inline Value::Value(List value, Location location) : data_(std::move(value)), location_(location) {}
inline Value::Value(Map value, Location location) : data_(std::move(value)), location_(location) {}
inline Value::Value(const Value&) = default;
inline Value::Value(Value&&) noexcept = default;
inline Value& Value::operator=(const Value&) = default;
inline Value& Value::operator=(Value&&) noexcept = default;
inline Value::~Value() = default;

// A parsed file. `file` is the name that errors show.
struct Document {
  std::string file;
  Value root;
};

}  // namespace assay::config
