// config_bench FOLDER [Google Benchmark's options]: our reading of YAML, TOML and JSON beside the C
// and C++ libraries, on the files that bench/peers/config.py writes: SIZE.yaml, SIZE.toml and
// SIZE.json say the same, anchored.yaml says it with anchors, tags and Windows line ends.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <libfyaml.h>
#include <simdjson.h>
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>
#ifdef ASSAY_BENCH_YAML_CPP
#include <yaml-cpp/yaml.h>
#endif
#ifdef ASSAY_BENCH_LIBYAML
#include <yaml.h>
#endif

#include "assay/config/parse.h"

namespace {

using namespace assay::config;  // NOLINT: a program of one file

constexpr std::array<std::string_view, 4> kSizes = {"1k", "10k", "100k", "1m"};

struct Texts {
  std::string yaml;
  std::string toml;
  std::string json;
};

std::string ReadAll(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (text.empty()) {
    fmt::print(stderr, "config_bench: {} is missing or empty\n", path);
    std::exit(1);
  }
  return text;
}

// Sums of what a service list holds: a quick way to see that two libraries read the same.
struct Sums {
  std::int64_t services = 0;
  std::int64_t replicas = 0;
  bool operator==(const Sums&) const = default;
};

Sums SumsOf(const Document& document) {
  Sums sums;
  for (const Value& service : *document.root.Find("services")->as_list()) {
    ++sums.services;
    sums.replicas += *service.Find("replicas")->as_integer();
  }
  return sums;
}

void Check(bool same, std::string_view what) {
  if (same) return;
  fmt::print(stderr, "config_bench: {} reads something else\n", what);
  std::exit(1);
}

Document MustParse(std::string_view text, Syntax syntax) {
  auto document = ParseBorrowed(text, "f", syntax);
  if (!document) {
    fmt::print(stderr, "config_bench: {}\n", document.error().message);
    std::exit(1);
  }
  return *std::move(document);
}

template <typename Function>
void Add(std::string_view name, std::string_view size, const std::string& text, Function parse) {
  const std::string title = fmt::format("{}/{}", name, size);
  benchmark::RegisterBenchmark(title.c_str(), [&text, parse](benchmark::State& state) {
    for (auto unused : state) {
      static_cast<void>(unused);
      parse(text);
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
  });
}

void AddOurs(std::string_view name, std::string_view size, const std::string& text, Syntax syntax) {
  // With a copy of the text, as Parse() makes it, and without, as Load() does.
  Add(fmt::format("{}/assay", name), size, text, [syntax](const std::string& source) {
    benchmark::DoNotOptimize(ParseBorrowed(source, "f", syntax));
  });
  Add(fmt::format("{}/assay_copy", name), size, text, [syntax](const std::string& source) {
    benchmark::DoNotOptimize(Parse(source, "f", syntax));
  });
}

std::size_t LibfyamlTree(const std::string& text) {
  fy_document* document = fy_document_build_from_string(nullptr, text.data(), text.size());
  const std::size_t made = document != nullptr ? 1 : 0;
  fy_document_destroy(document);
  return made;
}

void AddYaml(std::string_view size, const std::string& text) {
  AddOurs("yaml", size, text, Syntax::kYaml);
  Check(LibfyamlTree(text) == 1, "libfyaml");
  Add("yaml/libfyaml", size, text,
      [](const std::string& source) { benchmark::DoNotOptimize(LibfyamlTree(source)); });
#ifdef ASSAY_BENCH_YAML_CPP
  Add("yaml/yaml_cpp", size, text, [](const std::string& source) {
    benchmark::DoNotOptimize(YAML::Load(source)["services"].size());
  });
#endif
#ifdef ASSAY_BENCH_LIBYAML
  Add("yaml/libyaml_events", size, text, [](const std::string& source) {
    yaml_parser_t parser;
    yaml_parser_initialize(&parser);
    yaml_parser_set_input_string(&parser, reinterpret_cast<const unsigned char*>(source.data()),
                                 source.size());
    for (bool done = false; !done;) {
      yaml_event_t event;
      if (yaml_parser_parse(&parser, &event) == 0) break;
      done = event.type == YAML_STREAM_END_EVENT;
      yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
  });
#endif
}

void AddToml(std::string_view size, const std::string& text, const Sums& expected) {
  AddOurs("toml", size, text, Syntax::kToml);
  const auto parsed = toml::parse(text);
  Check(static_cast<bool>(parsed), "toml++");
  Sums sums;
  for (const toml::node& service : *parsed.table()["services"].as_array()) {
    ++sums.services;
    sums.replicas += **(*service.as_table())["replicas"].as_integer();
  }
  Check(sums == expected, "toml++");
  Add("toml/tomlplusplus", size, text,
      [](const std::string& source) { benchmark::DoNotOptimize(toml::parse(source)); });
}

void AddJson(std::string_view size, const std::string& text, const Sums& expected) {
  AddOurs("json", size, text, Syntax::kJson);
  static simdjson::dom::parser kept;
  // Its own padding is not counted: the text is padded once.
  auto* padded = new simdjson::padded_string(text);  // lives as long as the program
  Sums sums;
  for (const auto service : kept.parse(*padded)["services"].get_array()) {
    ++sums.services;
    sums.replicas += service["replicas"].get_int64();
  }
  Check(sums == expected, "simdjson");
  Add("json/simdjson", size, text,
      [padded](const std::string&) { benchmark::DoNotOptimize(kept.parse(*padded).error()); });
  Add("json/simdjson_fresh", size, text, [padded](const std::string&) {
    simdjson::dom::parser fresh;
    benchmark::DoNotOptimize(fresh.parse(*padded).error());
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: config_bench FOLDER [--benchmark_...]\n");
    return 2;
  }
  const std::string folder = argv[1];
  argv[1] = argv[0];
  --argc;
  ++argv;
  benchmark::Initialize(&argc, argv);
  static std::array<Texts, kSizes.size()> texts;
  for (std::size_t i = 0; i < kSizes.size(); ++i) {
    Texts& one = texts[i];
    one.yaml = ReadAll(fmt::format("{}/{}.yaml", folder, kSizes[i]));
    one.toml = ReadAll(fmt::format("{}/{}.toml", folder, kSizes[i]));
    one.json = ReadAll(fmt::format("{}/{}.json", folder, kSizes[i]));
    const Sums sums = SumsOf(MustParse(one.yaml, Syntax::kYaml));
    Check(sums == SumsOf(MustParse(one.toml, Syntax::kToml)), "our TOML");
    Check(sums == SumsOf(MustParse(one.json, Syntax::kJson)), "our JSON");
    AddYaml(kSizes[i], one.yaml);
    AddToml(kSizes[i], one.toml, sums);
    AddJson(kSizes[i], one.json, sums);
  }
  static const std::string anchored = ReadAll(folder + "/anchored.yaml");
  MustParse(anchored, Syntax::kYaml);
  AddOurs("yaml_anchored", "1m", anchored, Syntax::kYaml);
  Add("yaml_anchored/libfyaml", "1m", anchored,
      [](const std::string& source) { benchmark::DoNotOptimize(LibfyamlTree(source)); });
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
