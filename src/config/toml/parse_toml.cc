// TOML 1.0: words come from the scanner, tables grow as linked nodes (TOML may come back to them)
// and are laid side by side at the end.
#include <bit>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "assay/core/hash.h"
#include "assay/text/utf8.h"

#include "parse_internal.h"
#include "toml/scanner.h"

namespace assay::config {
namespace toml {
namespace {

using NodeId = std::uint32_t;
constexpr NodeId kNone = 0;  // the root is nobody's child

// How a node came to be, which decides what may be added to it.
enum class Form : std::uint8_t {
  kLeaf,      // a finished value, also a list or an inline table
  kImplicit,  // a table that stands in a header before the last key
  kHeader,    // a table with a header of its own
  kDotted,    // a table made by a dotted key
  kTables,    // a list of tables; its children are the tables
};

struct Node {
  std::string_view key;
  Value value;  // of a leaf
  std::uint32_t key_offset = 0;
  std::uint32_t offset = 0;
  NodeId first = kNone;
  NodeId last = kNone;
  NodeId next = kNone;
  std::uint32_t children = 0;
  std::uint32_t depth = 0;
  Form form = Form::kLeaf;
};

constexpr std::uint32_t kFewChildren = 8;  // a larger table is looked up by hash

class TreeBuilder {
 public:
  explicit TreeBuilder(const Source& source)
      : scanner_(source), budget_(source.options), stack_(source.arena, false), nodes_(1) {
    nodes_[0].form = Form::kHeader;
  }

  Result<Value> Read() {
    NodeId table = 0;
    if (!Count(0)) return scanner_.TakeError();
    while (true) {
      if (!scanner_.SkipBlank()) return scanner_.TakeError();
      if (scanner_.AtEnd()) break;
      const bool ok = scanner_.Peek() == '[' ? ReadHeader(table) : ReadPair(table);
      if (!ok || !scanner_.EndLine()) return scanner_.TakeError();
    }
    return Finish(0);
  }

 private:
  bool Count(std::size_t depth) {
    const auto problem = budget_.Take(depth);
    return problem.empty() || scanner_.Bad(scanner_.at(), std::string(problem));
  }

  // The child of that key, or kNone.
  NodeId Find(NodeId parent, std::string_view key) const {
    const Node& node = nodes_[parent];
    if (node.children > kFewChildren) {
      return slots_[SlotOf(parent, key)];
    }
    for (NodeId child = node.first; child != kNone; child = nodes_[child].next) {
      if (nodes_[child].key == key) return child;
    }
    return kNone;
  }

  // Where the hash table has this child, or where it may be put.
  std::size_t SlotOf(NodeId parent, std::string_view key) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t slot = core::HashBytes64(key, parent) & mask;
    while (slots_[slot] != kNone &&
           (parents_[slots_[slot]] != parent || nodes_[slots_[slot]].key != key)) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  NodeId Add(NodeId parent, Node node) {
    const auto id = static_cast<NodeId>(nodes_.size());
    node.depth = nodes_[parent].depth + 1;
    nodes_.push_back(node);
    Node& above = nodes_[parent];
    (above.first == kNone ? above.first : nodes_[above.last].next) = id;
    above.last = id;
    ++above.children;
    if (above.form != Form::kTables && above.children > kFewChildren) Index(parent);
    return id;
  }

  // Puts the last child of `parent` into the hash table, or all when it has just become large.
  void Index(NodeId parent) {
    parents_.resize(nodes_.size());
    const bool all = nodes_[parent].children == kFewChildren + 1;
    NodeId child = all ? nodes_[parent].first : nodes_[parent].last;
    for (; child != kNone; child = nodes_[child].next) {
      parents_[child] = parent;
      if (2 * ++indexed_ > slots_.size()) Rehash();
      slots_[SlotOf(parent, nodes_[child].key)] = child;
    }
  }

  void Rehash() {
    std::vector<NodeId> before(std::bit_ceil(4 * indexed_), kNone);
    before.swap(slots_);
    for (const NodeId id : before) {
      if (id != kNone) slots_[SlotOf(parents_[id], nodes_[id].key)] = id;
    }
  }

  struct Segment {
    std::string_view key;
    std::uint32_t offset;
  };

  // a."b c".d
  bool ReadDottedKey() {
    path_.clear();
    while (true) {
      scanner_.SkipSpace();
      Segment segment{{}, static_cast<std::uint32_t>(scanner_.at())};
      if (!scanner_.ReadKey(segment.key)) return false;
      path_.push_back(segment);
      scanner_.SkipSpace();
      if (!scanner_.Take('.')) return true;
    }
  }

  bool Taken(const Segment& segment, NodeId there, std::string_view what) {
    return scanner_.Bad(segment.offset, fmt::format("{} '{}' (line {})", what, segment.key,
                                                    scanner_.LineOf(nodes_[there].key_offset)));
  }

  // [a.b] and [[a.b]]
  bool ReadHeader(NodeId& table) {
    const auto begin = static_cast<std::uint32_t>(scanner_.at());
    scanner_.Skip();
    const bool of_list = scanner_.Take('[');
    if (!ReadDottedKey()) return false;
    if (!scanner_.Take(']') || (of_list && !scanner_.Take(']'))) {
      return scanner_.Bad(scanner_.at(), of_list ? "a header of a list of tables ends with ']]'"
                                                 : "a header of a table ends with ']'");
    }
    NodeId node = 0;
    for (std::size_t i = 0; i + 1 < path_.size(); ++i) {
      if (!Step(node, path_[i], Form::kImplicit)) return false;
    }
    const Segment& last = path_.back();
    const NodeId there = Find(node, last.key);
    return of_list ? OpenListTable(node, there, last, begin, table)
                   : OpenTable(node, there, last, begin, table);
  }

  bool OpenTable(NodeId parent, NodeId there, const Segment& last, std::uint32_t begin,
                 NodeId& table) {
    if (there == kNone) {
      table = NewTable(parent, last, begin, Form::kHeader);
      return Count(nodes_[table].depth);
    }
    if (nodes_[there].form != Form::kImplicit) {
      return Taken(last, there, "a table may be defined once, but there is already");
    }
    nodes_[there].form = Form::kHeader;
    nodes_[there].offset = begin;
    table = there;
    return true;
  }

  bool OpenListTable(NodeId parent, NodeId there, const Segment& last, std::uint32_t begin,
                     NodeId& table) {
    if (there == kNone) {
      there = NewTable(parent, last, begin, Form::kTables);
      if (!Count(nodes_[there].depth)) return false;
    } else if (nodes_[there].form != Form::kTables) {
      return Taken(last, there, "only a list of tables can be added to, but there is already");
    }
    table = NewTable(there, {{}, begin}, begin, Form::kHeader);
    return Count(nodes_[table].depth);
  }

  NodeId NewTable(NodeId parent, const Segment& segment, std::uint32_t offset, Form form) {
    Node node;
    node.key = segment.key;
    node.key_offset = segment.offset;
    node.offset = offset;
    node.form = form;
    return Add(parent, node);
  }

  // From a table to the one below it, which a header (kImplicit) or a dotted key (kDotted) names
  // on its way to its last key; makes it where there is none.
  bool Step(NodeId& node, const Segment& segment, Form form) {
    const NodeId there = Find(node, segment.key);
    if (there == kNone) {
      node = NewTable(node, segment, segment.offset, form);
      return Count(nodes_[node].depth);
    }
    Node& next = nodes_[there];
    if (form == Form::kImplicit && next.form == Form::kTables) {
      node = next.last;
      return true;
    }
    const bool table = next.form == Form::kImplicit || next.form == Form::kDotted ||
                       (next.form == Form::kHeader && form == Form::kImplicit);
    if (!table) return Taken(segment, there, "nothing can be added here to");
    if (form == Form::kDotted) next.form = Form::kDotted;
    node = there;
    return true;
  }

  // key = value, in a table or an inline table
  bool ReadPair(NodeId table) {
    if (!ReadDottedKey()) return false;
    NodeId node = table;
    for (std::size_t i = 0; i + 1 < path_.size(); ++i) {
      if (!Step(node, path_[i], Form::kDotted)) return false;
    }
    const Segment last = path_.back();
    if (const NodeId there = Find(node, last.key); there != kNone) {
      return Taken(last, there, "a key may be given once, but there is already");
    }
    if (!scanner_.Take('=')) return scanner_.Bad(scanner_.at(), "a '=' must stand after a key");
    scanner_.SkipSpace();
    Node leaf;
    leaf.key = last.key;
    leaf.key_offset = last.offset;
    if (!ReadValue(nodes_[node].depth + 1, leaf.value)) return false;
    Add(node, leaf);
    return true;
  }

  bool ReadValue(std::uint32_t depth, Value& value) {
    if (!Count(depth)) return false;
    if (scanner_.Peek() == '[') return ReadList(depth, value);
    if (scanner_.Peek() == '{') return ReadInlineTable(depth, value);
    return scanner_.ReadScalar(value);
  }

  bool ReadList(std::uint32_t depth, Value& value) {
    const auto begin = static_cast<std::uint32_t>(scanner_.at());
    scanner_.Skip();
    const std::size_t mark = stack_.MarkList();
    while (true) {
      if (!scanner_.SkipBlank()) return false;
      if (scanner_.Take(']')) break;
      Value item;
      if (!ReadValue(depth + 1, item)) return false;
      stack_.AddItem() = item;
      if (!scanner_.SkipBlank()) return false;
      if (scanner_.Take(']')) break;
      if (!scanner_.Take(',')) {
        return scanner_.Bad(scanner_.at(), "a ',' or ']' must stand after an item of a list");
      }
    }
    value = Value(stack_.CloseList(mark), begin);
    return true;
  }

  bool ReadInlineTable(std::uint32_t depth, Value& value) {
    const auto begin = static_cast<std::uint32_t>(scanner_.at());
    scanner_.Skip();
    const auto table = static_cast<NodeId>(nodes_.size());
    nodes_.emplace_back();
    nodes_[table].form = Form::kHeader;
    nodes_[table].offset = begin;
    nodes_[table].depth = depth;
    scanner_.SkipSpace();
    bool open = !scanner_.Take('}');
    while (open) {
      if (!ReadPair(table)) return false;
      scanner_.SkipSpace();
      open = scanner_.Take(',');
      if (!open && !scanner_.Take('}')) {
        return scanner_.Bad(scanner_.at(),
                            "a ',' or '}' must stand here; an inline table is one line");
      }
    }
    value = Finish(table);
    return true;
  }

  // Lays a node's children side by side, and theirs before. Depth is bounded by Count().
  Value Finish(NodeId id) {
    const Node& node = nodes_[id];
    if (node.form == Form::kLeaf) return node.value;
    if (node.form == Form::kTables) {
      const std::size_t mark = stack_.MarkList();
      for (NodeId child = node.first; child != kNone; child = nodes_[child].next) {
        const Value item = Finish(child);
        stack_.AddItem() = item;
      }
      return Value(stack_.CloseList(mark), node.offset);
    }
    const std::size_t mark = stack_.MarkMap();
    for (NodeId child = node.first; child != kNone; child = nodes_[child].next) {
      const Value value = Finish(child);
      stack_.AddMember() = {nodes_[child].key, value, nodes_[child].key_offset};
    }
    return Value(stack_.CloseUniqueMap(mark), node.offset);
  }

  Scanner scanner_;
  Budget budget_;
  TreeStack stack_;
  std::vector<Node> nodes_;
  std::vector<Segment> path_;
  std::vector<NodeId> slots_;    // hash table of the children of large tables
  std::vector<NodeId> parents_;  // of those in slots_
  std::size_t indexed_ = 0;
};

}  // namespace
}  // namespace toml

Result<Value> ParseToml(const Source& source) {
  if (const auto fault = text::FindUtf8Error(source.text)) {
    return source.Refuse(fault->offset, "this is no UTF-8; save the file as UTF-8");
  }
  return toml::TreeBuilder(source).Read();
}

}  // namespace assay::config
