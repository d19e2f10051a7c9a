// assay/embed/transformer_encoder.h: sentence vectors by a BERT network on OpenVINO.
// Room: embed (uses core, text).
// Method: all-MiniLM-L6-v2 (Reimers and Gurevych 2019): WordPiece, at most 256 tokens, 6 layers,
// mean over the tokens, L2 normalised. A batch is sorted by length and cut into runs of like
// length.
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "assay/core/file_system.h"
#include "assay/core/result.h"
#include "assay/embed/encoder.h"
#include "assay/embed/models.h"

namespace assay::embed {

inline constexpr std::size_t kTransformerWindowTokens = 256;  // [CLS] and [SEP] included

struct TransformerOptions {
  // Folders that may hold OpenVINO's libraries (libopenvino_c.so.*); each is tried in turn, before
  // those beside the program (<program>/../lib/assay/openvino).
  std::vector<std::string> runtime_folders;
  std::size_t threads = 0;  // of one inference; 0: one per core
  std::size_t streams = 1;  // inferences beside each other; more callers wait for one another
};

// Loads OpenVINO (the first such call in the process does) and compiles `model.xml` for the CPU,
// which takes 0.2 to 0.5 s. Errors: kNotFound when the libraries or the model are absent, kDataLoss
// for a vocabulary that does not fit, kInternal with OpenVINO's message.
[[nodiscard]] Result<std::unique_ptr<Encoder>> OpenTransformerEncoder(
    core::FileSystem& files, const ModelFolder& model, const TransformerOptions& options = {});

}  // namespace assay::embed
