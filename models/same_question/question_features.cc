// Prints the inputs of the model of the same answer for pairs of questions, one JSON line each, for
// train.py and for reading:
//   question_features MODELS PAIRS.jsonl
#include <array>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/cache/semantic/semantic_cache.h"
#include "assay/core/clock.h"
#include "assay/core/file_system.h"
#include "assay/embed/models.h"
#include "assay/embed/static_encoder.h"
#include "assay/embed/transformer_encoder.h"

namespace {

using namespace assay;

struct Encoders {
  std::unique_ptr<embed::Encoder> fast;
  std::unique_ptr<embed::Encoder> precise;
};

Result<Encoders> Open(const std::string& folder) {
  core::FileSystem& files = core::FileSystem::Real();
  const std::array<std::string, 1> folders = {folder};
  Encoders encoders;
  ASSAY_ASSIGN(const auto fast, embed::FindModel(files, folders, embed::kStaticMiniLm));
  ASSAY_ASSIGN(encoders.fast, embed::OpenStaticEncoder(files, fast));
  ASSAY_ASSIGN(const auto precise, embed::FindModel(files, folders, embed::kMiniLmInt8));
  ASSAY_ASSIGN(encoders.precise, embed::OpenTransformerEncoder(files, precise));
  return encoders;
}

Result<void> Print(const Encoders& encoders, const boost::json::object& pair) {
  cache::SemanticOptions options;
  options.floor = options.static_floor = -1;
  cache::SemanticCache cache(options, *encoders.fast, *encoders.precise, nullptr,
                             core::Rng::Real());
  ASSAY_ASSIGN(const auto first, cache.Prepare({}, pair.at("a").as_string()));
  ASSAY_TRY(cache.Insert(first, {}, {}));
  ASSAY_ASSIGN(const auto lookup, cache.Find({}, pair.at("b").as_string()));
  const cache::Candidate& candidate = lookup.candidates.at(0);
  boost::json::array features;
  for (const float value : candidate.features.values) features.push_back(value);
  boost::json::object out = pair;
  out["refused"] = candidate.refused;
  out["reason"] = candidate.reason;
  out["probability"] = candidate.probability;
  out["cosine"] = candidate.cosine;
  out["features"] = std::move(features);
  fmt::print("{}\n", boost::json::serialize(out));
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const auto encoders = Open(argv[1]);
  if (!encoders) {
    fmt::print(stderr, "{}\n", encoders.error().message);
    return 3;
  }
  std::ifstream in(argv[2]);
  std::string line;
  while (std::getline(in, line)) {
    if (const auto printed = Print(*encoders, boost::json::parse(line).as_object()); !printed) {
      fmt::print(stderr, "{}\n", printed.error().message);
      return 4;
    }
  }
  return 0;
}
