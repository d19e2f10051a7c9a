#include <utility>

#include "table.h"

namespace assay::gateway::settings {
namespace {

Key Leaf(std::string_view name, KeyKind kind, Slot slot, Reload reload, std::string_view doc) {
  Key key;
  key.name = name;
  key.kind = kind;
  key.doc = doc;
  key.live = reload == Reload::kLive;
  key.slot = slot;
  return key;
}

Key Ranged(Key key, Range range) {
  key.minimum = range.minimum;
  key.maximum = range.maximum;
  return key;
}

}  // namespace

Key Bool(std::string_view name, bool& slot, Reload reload, std::string_view doc) {
  return Leaf(name, KeyKind::kBool, &slot, reload, doc);
}

Key Integer(std::string_view name, std::int64_t& slot, Range range, Reload reload,
            std::string_view doc) {
  return Ranged(Leaf(name, KeyKind::kInteger, &slot, reload, doc), range);
}

Key Number(std::string_view name, double& slot, Range range, Reload reload, std::string_view doc) {
  return Ranged(Leaf(name, KeyKind::kNumber, &slot, reload, doc), range);
}

Key Duration(std::string_view name, std::int64_t& slot_ms, Range range_ms, Reload reload,
             std::string_view doc) {
  return Ranged(Leaf(name, KeyKind::kDuration, &slot_ms, reload, doc), range_ms);
}

Key Size(std::string_view name, std::int64_t& slot_bytes, Range range_bytes, Reload reload,
         std::string_view doc) {
  return Ranged(Leaf(name, KeyKind::kSize, &slot_bytes, reload, doc), range_bytes);
}

Key String(std::string_view name, std::string& slot, Reload reload, std::string_view doc) {
  return Leaf(name, KeyKind::kString, &slot, reload, doc);
}

Key List(std::string_view name, std::vector<std::string>& slot, Reload reload,
         std::string_view doc) {
  return Leaf(name, KeyKind::kStringList, &slot, reload, doc);
}

Key Experts(std::string_view name, std::vector<ExpertSettings>& slot, Reload reload,
            std::string_view doc) {
  return Leaf(name, KeyKind::kStringList, &slot, reload, doc);
}

Key Secret(std::string_view name, SecretSource& slot, Reload reload, std::string_view doc) {
  return Leaf(name, KeyKind::kSecret, &slot, reload, doc);
}

Key Section(std::string_view name, std::string_view doc, std::vector<Key> keys) {
  Key key;
  key.name = name;
  key.kind = KeyKind::kSection;
  key.doc = doc;
  key.keys = std::move(keys);
  return key;
}

}  // namespace assay::gateway::settings
