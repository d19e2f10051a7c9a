// assay/embed/models.h: finds the model folders that models/build.sh makes.
// Room: embed (uses core).  Threads: pure functions but for the stamp file, which is replaced
// whole.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "assay/core/file_system.h"
#include "assay/core/result.h"

namespace assay::embed {

// Names of the models that models/build.sh makes.
inline constexpr std::string_view kMiniLmInt8 = "minilm-l6-v2-int8";    // transformer, 23 MB
inline constexpr std::string_view kMiniLmF32 = "minilm-l6-v2-f32";      // transformer, 90 MB
inline constexpr std::string_view kStaticMiniLm = "static-minilm-256";  // token table, 8 MB

// A model whose files have the sizes and SHA-256 that its manifest names.
struct ModelFolder {
  std::string path;  // holds vocab.txt and either model.xml + model.bin or table.bin
  std::string name;  // "<model>@<first 12 hex digits of its weights' SHA-256>"
};

// Looks for `model` in each folder in turn; the first folder that lists it in its manifest.json is
// the one that is used. Its files are hashed once (about 0.3 s per 100 MB); what was found is kept
// in the file `.verified` beside the manifest, with size and modification time, so that later calls
// only ask for those. Where that file cannot be written, every call hashes.
// Errors: kNotFound (no folder has it; the message lists where it looked), kDataLoss (a file is
// missing or differs from the manifest, or the manifest is damaged).
[[nodiscard]] Result<ModelFolder> FindModel(core::FileSystem& files,
                                            std::span<const std::string> folders,
                                            std::string_view model);

}  // namespace assay::embed
