// What the rest of the room may do with an Index that its users may not.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "assay/core/file_system.h"
#include "assay/core/result.h"
#include "assay/corpus/index.h"

#include "store/format_internal.h"

namespace assay::corpus {

class IndexAccess {
 public:
  // An index over an image in memory. `name` stands in errors. All of the image is checked.
  [[nodiscard]] static Result<std::shared_ptr<const Index>> FromImage(std::string image,
                                                                      std::string_view name);
  [[nodiscard]] static Result<std::shared_ptr<const Index>> FromMapped(
      std::unique_ptr<core::MappedFile> mapped, std::string_view path);

  [[nodiscard]] static const FileRecord& File(const Index& index, std::uint32_t file_id);
  [[nodiscard]] static const PassageRecord& PassageAt(const Index& index, std::uint32_t id);
  [[nodiscard]] static const SentenceRecord& SentenceAt(const Index& index, std::uint32_t row);
  [[nodiscard]] static std::string_view Strings(const Index& index);
};

}  // namespace assay::corpus
