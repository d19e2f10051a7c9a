// assay keys file create|rotate|remove|show: key files, such as the one that seals cached answers.
#include <memory>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/crypto/key_ring.h"

#include "command.h"
#include "commands/key_options.h"
#include "json_output.h"

namespace assay::cli {
namespace {

struct FileOptions {
  std::string path;
  std::string passphrase_file;
  std::uint32_t id = 0;
  bool json = false;
};

int Print(const crypto::KeyRing& ring, bool as_json) {
  if (as_json) {
    boost::json::array keys;
    for (const crypto::KeyRing::Key& key : ring.keys()) {
      keys.push_back({{"id", key.id}, {"created_ms", key.created_ms}});
    }
    fmt::print("{}", PrettyJson({{"newest", ring.newest_id()}, {"keys", std::move(keys)}}));
    return kExitSuccess;
  }
  for (const crypto::KeyRing::Key& key : ring.keys()) {
    fmt::print("key {}, made {}{}\n", key.id, ShortTime(key.created_ms),
               key.id == ring.newest_id() ? ", in use" : "");
  }
  return kExitSuccess;
}

Result<int> RunCreate(const FileOptions& options) {
  ASSAY_ASSIGN(const crypto::SecretString passphrase, ReadPassphrase(options.passphrase_file));
  const crypto::KeyRing ring = crypto::KeyRing::Generate();
  ASSAY_ASSIGN(const crypto::SecretString text, ring.ToText(passphrase.view()));
  ASSAY_TRY(crypto::WriteSecretFile(options.path, text.view(), crypto::IfExists::kFail));
  return Print(ring, options.json);
}

// Loads, changes and saves the file.
template <typename Change>
Result<int> Edit(const FileOptions& options, Change&& change) {
  ASSAY_ASSIGN(const crypto::SecretString passphrase, ReadPassphrase(options.passphrase_file));
  ASSAY_ASSIGN(crypto::KeyRing ring, crypto::KeyRing::Load(options.path, passphrase.view()));
  ASSAY_TRY(change(ring));
  ASSAY_TRY(ring.Save(options.path, passphrase.view()));
  return Print(ring, options.json);
}

Result<int> RunRotate(const FileOptions& options) {
  return Edit(options, [](crypto::KeyRing& ring) { return ring.Rotate(); });
}

Result<int> RunRemove(const FileOptions& options) {
  return Edit(options, [&](crypto::KeyRing& ring) { return ring.Remove(options.id); });
}

Result<int> RunShow(const FileOptions& options) {
  ASSAY_ASSIGN(const crypto::SecretString passphrase, ReadPassphrase(options.passphrase_file));
  ASSAY_ASSIGN(const crypto::KeyRing ring, crypto::KeyRing::Load(options.path, passphrase.view()));
  return Print(ring, options.json);
}

}  // namespace

void AddKeyFileCommand(CLI::App& keys, Invocation& invocation) {
  auto options = std::make_shared<FileOptions>();
  CLI::App* file = keys.add_subcommand(
      "file", "Make and rotate key files, such as the one that seals cached answers");
  file->require_subcommand(1);
  file->footer("Example:\n  assay keys file create cache.keys");
  const auto add = [&](const std::string& name, const std::string& what,
                       Result<int> (*run)(const FileOptions&)) {
    CLI::App* command = file->add_subcommand(name, what);
    command->add_option("file", options->path, "The key file (mode 0600)")->required();
    command
        ->add_option("--passphrase-file", options->passphrase_file,
                     "File (mode 0600) with its passphrase; or set ASSAY_KEY_PASSPHRASE")
        ->option_text("FILE");
    command->add_flag("--json", options->json, "Print one JSON object");
    command->callback(
        [&invocation, options, run] { invocation.run = [options, run] { return run(*options); }; });
    return command;
  };
  add("create", "Make a key file with one key", RunCreate)
      ->footer("Example:\n  assay keys file create cache.keys");
  add("rotate", "Add a key, which seals from then on; the others still open", RunRotate)
      ->footer("Example:\n  assay keys file rotate cache.keys");
  CLI::App* remove = add("remove", "Remove a key: what it sealed is lost", RunRemove);
  remove->add_option("id", options->id, "Identifier of the key")->required();
  remove->footer("Example:\n  assay keys file remove cache.keys 1");
  add("show", "Show the keys' identifiers and ages, not the keys", RunShow)
      ->footer("Example:\n  assay keys file show cache.keys");
}

}  // namespace assay::cli
