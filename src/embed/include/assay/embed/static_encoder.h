// assay/embed/static_encoder.h: sentence vectors from a table of token vectors, without a network.
// Room: embed (uses core, text).
// Method: sum of weighted token vectors, L2 normalised (Arora et al. 2017, "A simple but
// tough-to-beat baseline for sentence embeddings"), over a table distilled from all-MiniLM-L6-v2.
// Time O(tokens * dim), about 10 us a sentence; memory: the mapped table, 8 MB.
#pragma once
#include <memory>

#include "assay/core/file_system.h"
#include "assay/core/result.h"
#include "assay/embed/encoder.h"
#include "assay/embed/models.h"

namespace assay::embed {

// Maps `table.bin` (docs/formats/token-table.md) and reads `vocab.txt`. The whole text counts: a
// static encoder has no window. Errors: kNotFound, kDataLoss for a damaged table or one that does
// not fit the vocabulary.
[[nodiscard]] Result<std::unique_ptr<Encoder>> OpenStaticEncoder(core::FileSystem& files,
                                                                 const ModelFolder& model);

}  // namespace assay::embed
