#include "assay/scan/watcher.h"

#include <algorithm>
#include <utility>

namespace assay::scan {
namespace {

bool Serves(const Service& service, std::string_view model) {
  return std::ranges::find(service.models, model, &ServedModel::id) != service.models.end();
}

// A service of the same kind that tells other models than before.
void CompareModels(const Service& before, const Service& now, std::vector<Change>& changes) {
  for (const ServedModel& model : now.models) {
    if (Serves(before, model.id)) continue;
    changes.push_back({.kind = ChangeKind::kModelAdded, .service = now, .model = model.id});
  }
  for (const ServedModel& model : before.models) {
    if (Serves(now, model.id)) continue;
    changes.push_back({.kind = ChangeKind::kModelRemoved, .service = now, .model = model.id});
  }
}

void Compare(const Service& before, const Service& now, std::vector<Change>& changes) {
  const bool other = before.kind != now.kind || before.version != now.version ||
                     before.needs_key != now.needs_key || before.tls != now.tls;
  if (other) {
    changes.push_back({.kind = ChangeKind::kChanged, .service = now, .before = before.kind});
  }
  if (before.kind == now.kind) CompareModels(before, now, changes);
}

}  // namespace

std::string_view ChangeName(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::kUp:
      return "up";
    case ChangeKind::kDown:
      return "down";
    case ChangeKind::kChanged:
      return "changed";
    case ChangeKind::kModelAdded:
      return "model-added";
    case ChangeKind::kModelRemoved:
      return "model-removed";
  }
  return "changed";
}

std::vector<Change> Watcher::Take(std::span<const Service> seen) {
  std::map<Endpoint, const Service*> now;
  for (const Service& service : seen) now[{service.address, service.port}] = &service;
  std::vector<Change> changes;
  for (auto known = known_.begin(); known != known_.end();) {
    auto& [endpoint, one] = *known;
    if (const auto found = now.find(endpoint); found != now.end()) {
      Compare(one.service, *found->second, changes);
      one = {.service = *found->second};
      now.erase(found);
    } else if (++one.missed >= options_.down_after) {
      changes.push_back({.kind = ChangeKind::kDown, .service = std::move(one.service)});
      known = known_.erase(known);
      continue;
    }
    ++known;
  }
  for (const auto& [endpoint, service] : now) {
    changes.push_back({.kind = ChangeKind::kUp, .service = *service});
    known_[endpoint] = {.service = *service};
  }
  std::ranges::stable_sort(changes, {}, [](const Change& change) {
    return Endpoint{change.service.address, change.service.port};
  });
  return changes;
}

}  // namespace assay::scan
