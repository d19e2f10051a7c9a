#include "encoders.h"

#include <array>
#include <cstdlib>
#include <filesystem>

#include <unistd.h>

#include "assay/core/file_system.h"
#include "assay/embed/models.h"
#include "assay/embed/static_encoder.h"
#include "assay/embed/transformer_encoder.h"

namespace assay::cli {
namespace {

std::filesystem::path ProgramFolder() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
}

std::string UserDataFolder() {
  if (const char* data = std::getenv("XDG_DATA_HOME"); data != nullptr && *data != '\0')
    return data;
  const char* home = std::getenv("HOME");
  return home == nullptr ? std::string() : std::string(home) + "/.local/share";
}

}  // namespace

std::vector<std::string> ModelFolders() {
  std::vector<std::string> folders;
  if (const char* models = std::getenv("ASSAY_MODELS"); models != nullptr && *models != '\0') {
    folders.emplace_back(models);
  }
  const std::filesystem::path program = ProgramFolder();
  folders.push_back((program / "models").string());
  folders.push_back((program.parent_path() / "share" / "assay" / "models").string());
  if (const std::string data = UserDataFolder(); !data.empty())
    folders.push_back(data + "/assay/models");
  return folders;
}

Result<std::unique_ptr<embed::Encoder>> LoadStaticEncoder() {
  core::FileSystem& files = core::FileSystem::Real();
  ASSAY_ASSIGN(const auto model, embed::FindModel(files, ModelFolders(), embed::kStaticMiniLm));
  return embed::OpenStaticEncoder(files, model);
}

Result<std::unique_ptr<embed::Encoder>> LoadTransformerEncoder() {
  core::FileSystem& files = core::FileSystem::Real();
  ASSAY_ASSIGN(const auto model, embed::FindModel(files, ModelFolders(), embed::kMiniLmInt8));
  return embed::OpenTransformerEncoder(files, model);
}

Result<std::unique_ptr<embed::CrossEncoder>> LoadChecker(
    const std::string& folder, const embed::CrossEncoderOptions& options) {
  core::FileSystem& files = core::FileSystem::Real();
  if (!folder.empty()) return embed::CrossEncoder::Open(files, folder, options);
  const Result<std::string> found = embed::FindChecker(files, ModelFolders());
  if (found) return embed::CrossEncoder::Open(files, *found, options);
  if (found.error().code != Code::kNotFound) return std::unexpected(found.error());
  return std::unique_ptr<embed::CrossEncoder>();
}

}  // namespace assay::cli
