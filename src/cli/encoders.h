// The encoders that commands use, found where models are installed.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "assay/core/result.h"
#include "assay/embed/cross/cross_encoder.h"
#include "assay/embed/encoder.h"

namespace assay::cli {

// Folders that may hold models, in the order in which they are tried: $ASSAY_MODELS, models/ beside
// the program, ../share/assay/models from it, and assay/models in the user's data folder (XDG).
[[nodiscard]] std::vector<std::string> ModelFolders();

// The static word table: microseconds a sentence; used for retrieval and word similarity.
[[nodiscard]] Result<std::unique_ptr<embed::Encoder>> LoadStaticEncoder();

// all-MiniLM-L6-v2 (int8) by OpenVINO: milliseconds a sentence.
[[nodiscard]] Result<std::unique_ptr<embed::Encoder>> LoadTransformerEncoder();

// The cross-encoder that judges claims: that in `folder`; where that is empty, the one among the
// installed models (embed::FindChecker), or null where there is none. Errors: those of
// embed::CrossEncoder::Open.
[[nodiscard]] Result<std::unique_ptr<embed::CrossEncoder>> LoadChecker(
    const std::string& folder, const embed::CrossEncoderOptions& options);

}  // namespace assay::cli
