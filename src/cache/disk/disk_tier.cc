#include "assay/cache/disk_tier.h"

#include <utility>

#include "disk/store.h"

namespace assay::cache {

DiskTier::DiskTier(std::unique_ptr<Store> store) : store_(std::move(store)) {}

DiskTier::~DiskTier() {
  if (store_ != nullptr) store_->Close();
}

Result<std::unique_ptr<DiskTier>> DiskTier::Open(core::FileSystem& files, DiskOptions options) {
  auto store = std::make_unique<Store>(files, std::move(options));
  ASSAY_TRY(store->Open());
  store->StartThreads();
  return std::unique_ptr<DiskTier>(new DiskTier(std::move(store)));
}

Result<EntryRef> DiskTier::Get(const Key& key, std::int64_t now_ms) {
  return store_->Get(key, now_ms);
}
Result<void> DiskTier::Put(const EntryRef& entry, std::int64_t now_ms) {
  return store_->Put(entry, now_ms);
}
Result<bool> DiskTier::Erase(const Key& key) {
  return store_->Erase(key);
}
Result<std::uint64_t> DiskTier::Purge(const Filter& filter) {
  return store_->Purge(filter);
}
Result<void> DiskTier::ForEach(std::int64_t now_ms, const Visitor& visit) {
  return store_->ForEach(now_ms, visit);
}
Result<void> DiskTier::Sync() {
  return store_->Sync();
}
TierStats DiskTier::Stats() const {
  return store_->Stats();
}
DiskStats DiskTier::Details() const {
  return store_->Details();
}
void DiskTier::Maintain() {
  store_->Maintain();
}

}  // namespace assay::cache
