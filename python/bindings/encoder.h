// encoder.h: classes that several files of the bindings pass to each other.
// Part of: python.
#pragma once
#include <memory>

#include "assay/corpus/index.h"
#include "assay/embed/cross/cross_encoder.h"
#include "assay/embed/encoder.h"

namespace assay::python {

// An encoder that whoever uses it keeps alive.
struct SharedEncoder {
  std::shared_ptr<embed::Encoder> get;
};
// By the way it was opened; Python has a class for each.
struct SharedStaticEncoder : SharedEncoder {};
struct SharedTransformer : SharedEncoder {};

// A model that reads evidence and claim together, which whoever uses it keeps alive.
struct SharedCrossEncoder {
  std::shared_ptr<const embed::CrossEncoder> get;
};

// An index of documents, with the encoder of its vectors (null: none).
struct SharedIndex {
  std::shared_ptr<const corpus::Index> get;
  std::shared_ptr<embed::Encoder> encoder;
};

}  // namespace assay::python
