// The encoders that commands use, found where models are installed.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "assay/core/result.h"
#include "assay/embed/encoder.h"

namespace assay::cli {

// Folders that may hold models, in the order in which they are tried: $ASSAY_MODELS, models/ beside
// the program, ../share/assay/models from it, and assay/models in the user's data folder (XDG).
[[nodiscard]] std::vector<std::string> ModelFolders();

// The static word table: microseconds a sentence; used for retrieval and word similarity.
[[nodiscard]] Result<std::unique_ptr<embed::Encoder>> LoadStaticEncoder();

// all-MiniLM-L6-v2 (int8) by OpenVINO: milliseconds a sentence.
[[nodiscard]] Result<std::unique_ptr<embed::Encoder>> LoadTransformerEncoder();

}  // namespace assay::cli
