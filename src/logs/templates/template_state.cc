// What a TemplateTree knows as bytes, and the file around them.
#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include "assay/core/hash.h"

#include "templates/line_scanner.h"
#include "templates/state_file.h"
#include "templates/template_tree.h"
#include "templates/token_hash.h"

namespace assay::logs::templates {
namespace {

constexpr std::string_view kMagic = "ASYLTMPL";
constexpr std::size_t kHeaderBytes = kMagic.size() + 4 + 4;
constexpr std::size_t kMostTokens = 2 * kMaxTokens;

void Write(StateWriter& out, const MinerOptions& options) {
  out.U64(std::bit_cast<std::uint64_t>(options.similarity));
  out.U32(options.kept_words);
  out.U32(options.kept_states);
  out.U32(options.max_templates);
  out.U32(options.masks.size());
  for (const std::string& mask : options.masks) out.Text(mask);
}

void Write(StateWriter& out, std::span<const Token> tokens) {
  for (const Token& token : tokens) {
    out.U8(static_cast<std::uint8_t>(token.form));
    out.Text(token.before);
    if (token.form == TokenForm::kWord) out.Text(token.word);
  }
}

bool Read(StateReader& in, std::size_t count, std::vector<Token>& tokens) {
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    const std::uint8_t form = in.U8();
    const std::string_view before = in.Text();
    if (form > static_cast<std::uint8_t>(TokenForm::kEnd) || before.size() > kMaxPunctuation) {
      return false;
    }
    const bool has_word = form == static_cast<std::uint8_t>(TokenForm::kWord);
    const std::string_view word = has_word ? in.Text() : std::string_view{};
    if (word.size() > kMaxWordBytes || (has_word && word.empty())) return false;
    tokens.push_back(MakeToken(before, static_cast<TokenForm>(form), word));
  }
  return in.ok();
}

}  // namespace

void TemplateTree::AppendTo(std::string& bytes) const {
  std::vector<const Group*> groups;
  for (const Group& group : groups_) {
    if (!group.templates.empty()) groups.push_back(&group);
  }
  std::ranges::sort(groups, {}, [](const Group* group) { return group->born; });
  StateWriter out(bytes);
  out.U64(clock_);
  out.U64(next_id_);
  out.U32(groups.size());
  for (const Group* group : groups) {
    out.U64(group->born);
    out.U8(group->first_word != 0 ? 1 : 0);
    out.U32(group->general.size());
    Write(out, group->general);
    for (const std::uint8_t open : group->open) out.U8(open);
    out.U32(group->templates.size());
    for (const std::uint32_t slot : group->templates) {
      const Template& one = templates_[slot];
      out.U64(one.id);
      out.U64(one.lines);
      out.U64(one.last_line);
      Write(out, one.tokens);
    }
    out.U32(group->merged.size());
    for (const std::uint32_t slot : group->merged) {
      out.U64(templates_[slot].id);
      out.U64(templates_[Root(slot)].id);
    }
  }
}

std::optional<TemplateTree> TemplateTree::Read(std::string_view bytes,
                                               const MinerOptions& options) {
  TemplateTree tree(options);
  StateReader in(bytes);
  tree.clock_ = in.U64();
  tree.next_id_ = in.U64();
  const std::uint32_t groups = in.U32();
  if (!in.ok() || tree.next_id_ == 0 || tree.next_id_ >> 63 != 0) return std::nullopt;
  std::uint64_t born = 0;
  for (std::uint32_t g = 0; g < groups; ++g) {
    if (!tree.ReadGroup(in)) return std::nullopt;
    if (tree.groups_.back().born <= born) return std::nullopt;  // their order is that of birth
    born = tree.groups_.back().born;
  }
  if (in.left() != 0 || tree.alive_ > options.max_templates + kMostTokens) return std::nullopt;
  return tree;
}

bool TemplateTree::ReadGroup(StateReader& in) {
  const auto index = static_cast<std::uint32_t>(groups_.size());
  Group& group = groups_.emplace_back();
  group.born = in.U64();
  const bool led_by_word = in.U8() != 0;
  const std::uint32_t size = in.U32();
  if (!in.ok() || size > kMostTokens || group.born >= next_id_) return false;
  if (!templates::Read(in, size, group.general)) return false;
  for (std::uint32_t i = 0; i < size; ++i) group.open.push_back(in.U8() != 0 ? 1 : 0);
  const std::uint32_t count = in.U32();
  for (std::uint32_t t = 0; t < count && in.ok(); ++t) {
    const std::uint64_t id = in.U64();
    const std::uint64_t lines = in.U64();
    const std::uint64_t last_line = in.U64();
    const std::uint32_t slot = TakeSlot();
    Template& one = templates_[slot];
    one.id = id;
    one.lines = lines;
    one.last_line = last_line;
    one.group = index;
    const bool known = !slot_of_id_.emplace(id, slot).second;
    if (known || id == 0 || id >= next_id_ || last_line > clock_) return false;
    if (!templates::Read(in, size, one.tokens)) return false;
    groups_[index].templates.push_back(slot);
  }
  const std::uint32_t merged = in.U32();
  for (std::uint32_t m = 0; m < merged && in.ok(); ++m) {
    const std::uint64_t id = in.U64();
    const auto into = slot_of_id_.find(in.U64());
    if (into == slot_of_id_.end() || templates_[into->second].group != index) return false;
    if (templates_[into->second].merged_into != kNone) return false;
    const std::uint32_t root = into->second;
    const std::uint32_t slot = TakeSlot();
    --alive_;
    templates_[slot].id = id;
    templates_[slot].group = index;
    templates_[slot].merged_into = root;
    if (id == 0 || id >= next_id_ || !slot_of_id_.emplace(id, slot).second) return false;
    group.merged.push_back(slot);
  }
  if (!in.ok() || group.templates.empty()) return false;
  if (led_by_word) {
    if (size == 0) return false;
    const Token& first = templates_[group.templates.front()].tokens.front();
    if (first.neutral()) return false;
    group.first_word = first.id;
  }
  Plant(index);
  return true;
}

std::string SealState(const MinerOptions& options, std::string_view learned) {
  std::string body;
  StateWriter out(body);
  Write(out, options);
  body += learned;
  std::string file(kMagic);
  StateWriter header(file);
  header.U32(kStateVersion);
  header.U32(core::Crc32c(body));
  return file + body;
}

Result<std::string_view> OpenState(std::string_view bytes, std::string_view name,
                                   const MinerOptions& options) {
  if (bytes.size() < kHeaderBytes || !bytes.starts_with(kMagic)) {
    return Fail(Code::kDataLoss,
                fmt::format("{} is not a file of log templates; name another", name));
  }
  StateReader header(bytes.substr(kMagic.size()));
  const std::uint32_t version = header.U32();
  const std::uint32_t checksum = header.U32();
  const std::string_view body = bytes.substr(kHeaderBytes);
  if (version != kStateVersion) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("{} is of version {}, this program reads {}; remove it to learn anew",
                            name, version, kStateVersion));
  }
  if (core::Crc32c(body) != checksum) {
    return Fail(Code::kDataLoss,
                fmt::format("{} is damaged (checksum); remove it to learn anew", name));
  }
  std::string expected;
  StateWriter out(expected);
  Write(out, options);
  if (!body.starts_with(expected)) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("the templates in {} were learned with other options; use those, or "
                            "another file",
                            name));
  }
  return body.substr(expected.size());
}

}  // namespace assay::logs::templates
