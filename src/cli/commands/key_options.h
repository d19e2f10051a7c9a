// What the subcommands of keys, audit log and gateway share: where the state lies, who asks.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>

#include "assay/core/result.h"
#include "assay/crypto/key_store.h"
#include "assay/crypto/secret.h"

namespace assay::cli {

struct StateOptions {
  std::string directory;
  std::string passphrase_file;
};

// Adds --state and --passphrase-file.
void AddStateOptions(CLI::App& command, StateOptions& options);

// --state, else $XDG_STATE_HOME/assay, else ~/.local/state/assay.
// Errors: kInvalidArgument where none of them is known.
[[nodiscard]] Result<std::string> StateDirectory(const std::string& chosen);

// The content of --passphrase-file without a final line feed, else of $ASSAY_KEY_PASSPHRASE, else
// empty. Errors: those of ReadSecretFile.
[[nodiscard]] Result<crypto::SecretString> ReadPassphrase(const std::string& file);

// The store, without a background thread: usage is written when it closes.
[[nodiscard]] Result<std::unique_ptr<crypto::KeyStore>> OpenStore(const StateOptions& options,
                                                                  bool must_exist);

// "cli:alice", for the audit log.
[[nodiscard]] std::string ActorName();

// "2026-11-21 16:05" in UTC.
[[nodiscard]] std::string ShortTime(std::int64_t unix_ms);

// "30d", "12h", "45m" from `now_ms` on, or a day "2027-01-31" (its beginning, in UTC); a Unix time
// in ms. Errors: kInvalidArgument.
[[nodiscard]] Result<std::int64_t> ParseMoment(std::string_view text, std::int64_t now_ms);

// "12.50" dollars in nanodollars. Errors: kInvalidArgument for more than 9 decimals and for what is
// no decimal number.
[[nodiscard]] Result<std::uint64_t> ParseUsd(std::string_view text);

}  // namespace assay::cli
