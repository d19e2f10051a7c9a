// assay/config/value.h: one tree for YAML, TOML and JSON, in which every value knows its place.
// Room: config (uses core).  Threads: immutable once built.
// Method: values are views of 24 bytes into memory that their document owns: strings without
// escapes point into the source text, members of a map lie side by side; a place is a byte offset
// until somebody asks for its line.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace assay::config {

// 1-based; the column counts characters. Line 0 is a value that stands in no file (an environment
// variable): errors then name the source alone.
struct Location {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
};

enum class Kind : std::uint8_t { kNull, kBool, kInteger, kFloat, kString, kList, kMap };

// "a string", "a list", ...: for error messages.
[[nodiscard]] std::string_view NameOf(Kind kind);

// The offset of what stands in no file.
inline constexpr std::uint32_t kNowhere = 0xFFFFFFFF;

// Elements that lie side by side in a document's memory.
template <typename T>
class Items {
 public:
  constexpr Items() = default;
  constexpr Items(const T* data, std::size_t size) : data_(data), size_(size) {}
  [[nodiscard]] constexpr const T* begin() const { return data_; }
  [[nodiscard]] constexpr const T* end() const { return data_ + size_; }
  [[nodiscard]] constexpr std::size_t size() const { return size_; }
  [[nodiscard]] constexpr bool empty() const { return size_ == 0; }
  [[nodiscard]] constexpr const T& operator[](std::size_t i) const { return data_[i]; }

 private:
  const T* data_ = nullptr;
  std::size_t size_ = 0;
};

struct Member;

// A value and where it begins. Cheap to copy; strings, lists and maps are views that live as long
// as the Arena (of a document) that they were made in. Dates and times of TOML are strings in
// RFC 3339 form.
class Value {
 public:
  using List = Items<Value>;
  using Map = Items<Member>;  // in file order

  Value() : integer_(0) {}
  explicit Value(std::nullptr_t, std::uint32_t offset = kNowhere) : integer_(0), offset_(offset) {}
  explicit Value(bool value, std::uint32_t offset = kNowhere)
      : bool_(value), offset_(offset), kind_(Kind::kBool) {}
  explicit Value(std::int64_t value, std::uint32_t offset = kNowhere)
      : integer_(value), offset_(offset), kind_(Kind::kInteger) {}
  explicit Value(double value, std::uint32_t offset = kNowhere)
      : float_(value), offset_(offset), kind_(Kind::kFloat) {}
  explicit Value(std::string_view value, std::uint32_t offset = kNowhere)
      : string_(value), offset_(offset), kind_(Kind::kString) {}
  explicit Value(List value, std::uint32_t offset = kNowhere)
      : list_(value), offset_(offset), kind_(Kind::kList) {}
  explicit Value(Map value, std::uint32_t offset = kNowhere)
      : map_(value), offset_(offset), kind_(Kind::kMap) {}
  explicit Value(const char*, std::uint32_t offset = kNowhere) = delete;  // it would be a bool

  [[nodiscard]] Kind kind() const { return kind_; }
  // Bytes before it in the source text; see Document::LocationOf. kNowhere for one made by hand.
  [[nodiscard]] std::uint32_t offset() const { return offset_; }

  // Null when the value is of another kind.
  [[nodiscard]] const bool* as_bool() const { return kind_ == Kind::kBool ? &bool_ : nullptr; }
  [[nodiscard]] const std::int64_t* as_integer() const {
    return kind_ == Kind::kInteger ? &integer_ : nullptr;
  }
  [[nodiscard]] const double* as_float() const { return kind_ == Kind::kFloat ? &float_ : nullptr; }
  [[nodiscard]] const std::string_view* as_string() const {
    return kind_ == Kind::kString ? &string_ : nullptr;
  }
  [[nodiscard]] const List* as_list() const { return kind_ == Kind::kList ? &list_ : nullptr; }
  [[nodiscard]] const Map* as_map() const { return kind_ == Kind::kMap ? &map_ : nullptr; }

  // The member of that key of a map; null when there is none or this is no map. O(members).
  [[nodiscard]] const Value* Find(std::string_view key) const;

 private:
  union {
    bool bool_;
    std::int64_t integer_;
    double float_;
    std::string_view string_;
    List list_;
    Map map_;
  };
  std::uint32_t offset_ = kNowhere;
  Kind kind_ = Kind::kNull;
};

struct Member {
  std::string_view key;
  Value value;
  std::uint32_t key_offset = kNowhere;
};

static_assert(sizeof(Value) == 24 && sizeof(Member) == 48);
static_assert(std::is_trivially_copyable_v<Member> && std::is_trivially_destructible_v<Member>);

// Memory of a document: grows by blocks, is freed at once. One writer.
class Arena {
 public:
  // A copy of `text`.
  std::string_view Text(std::string_view text);
  // Copies of `items`.
  Value::List List(std::span<const Value> items);
  Value::Map Map(std::span<const Member> items);
  // Room for `size` bytes, of which Keep() keeps the first; whatever is not kept is used again.
  char* Reserve(std::size_t size);
  std::string_view Keep(const char* begin, std::size_t size);
  // Takes over a text; the view stays valid when the arena is moved.
  std::string_view Adopt(std::string text);

 private:
  char* Take(std::size_t size, std::size_t alignment);
  std::vector<std::unique_ptr<char[]>> blocks_;
  std::vector<std::unique_ptr<std::string>> texts_;
  char* next_ = nullptr;
  char* end_ = nullptr;
};

// A parsed file. Copies share their memory.
struct Document {
  std::string file;  // the name that errors show
  Value root;
  std::string_view text;  // the source, for locations; empty for a document made by hand
  std::shared_ptr<const Arena> memory;

  // Line and column. O(text before it).
  [[nodiscard]] Location LocationOf(std::uint32_t offset) const;
  [[nodiscard]] Location LocationOf(const Value& value) const { return LocationOf(value.offset()); }
};

// Lines and columns of many offsets: those asked for in rising order cost one pass over the text in
// all. Line ends are \n, \r\n and \r.
class LineCounter {
 public:
  explicit LineCounter(std::string_view text) : text_(text) {}
  // {0, 0} for kNowhere; an offset behind the text counts as its end.
  [[nodiscard]] Location At(std::uint32_t offset);

 private:
  std::string_view text_;
  std::size_t counted_ = 0;
  Location at_;
};

}  // namespace assay::config
