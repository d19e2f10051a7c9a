#include "assay/embed/provider.h"

namespace assay::embed {
namespace {

constexpr std::size_t kTextsPerCall = 256;  // enough for runs of like length

class LocalProvider final : public Provider {
 public:
  explicit LocalProvider(std::shared_ptr<const Encoder> encoder) : encoder_(std::move(encoder)) {
    info_.name = "local/" + std::string(encoder_->name());
    info_.dim = encoder_->dim();
    info_.limits.texts_per_call = kTextsPerCall;
  }

  [[nodiscard]] const ProviderInfo& info() const override { return info_; }
  [[nodiscard]] Result<void> Embed(std::span<const std::string_view> texts, std::span<float> out,
                                   const CallContext&, CallNotes&) override {
    return encoder_->Encode(texts, out);
  }

 private:
  std::shared_ptr<const Encoder> encoder_;
  ProviderInfo info_;
};

}  // namespace

std::unique_ptr<Provider> MakeLocalProvider(std::shared_ptr<const Encoder> encoder) {
  return std::make_unique<LocalProvider>(std::move(encoder));
}

}  // namespace assay::embed
