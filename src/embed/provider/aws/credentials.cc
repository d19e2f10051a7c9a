// Where AWS's own tools keep credentials and region: variables, then the shared files.
#include <map>
#include <optional>

#include <fmt/format.h>

#include "assay/core/file_system.h"
#include "assay/embed/remote_providers.h"

#include "provider/aws/profile_file.h"

namespace assay::embed {
namespace {

using internal::ProfileFile;
using internal::ReadProfileFile;

constexpr std::size_t kMaxFileBytes = 1 << 20;

std::string ProfileName(const Variables& variables, std::string_view profile) {
  if (!profile.empty()) return std::string(profile);
  std::string name = variables("AWS_PROFILE");
  return name.empty() ? "default" : name;
}

std::string PathOf(const Variables& variables, std::string_view variable, std::string_view name) {
  if (std::string path = variables(variable); !path.empty()) return path;
  const std::string home = variables("HOME");
  return home.empty() ? std::string() : fmt::format("{}/.aws/{}", home, name);
}

Result<std::optional<ProfileFile>> ReadCredentialsFile(const std::string& path) {
  if (path.empty()) return std::nullopt;
  const auto content = crypto::ReadSecretFile(path, kMaxFileBytes);
  if (!content) {
    if (content.error().code == Code::kNotFound) return std::nullopt;
    return std::unexpected(content.error());
  }
  ASSAY_ASSIGN(ProfileFile file, ReadProfileFile(content->view(), path));
  return file;
}

}  // namespace

Result<AwsCredentials> FindAwsCredentials(const Variables& variables, std::string_view profile) {
  AwsCredentials credentials;
  credentials.access_key_id = variables("AWS_ACCESS_KEY_ID");
  const std::string secret = variables("AWS_SECRET_ACCESS_KEY");
  if (profile.empty() && !credentials.access_key_id.empty() && !secret.empty()) {
    credentials.secret_key = crypto::SecretString::Copy(secret);
    credentials.session_token = crypto::SecretString::Copy(variables("AWS_SESSION_TOKEN"));
    return credentials;
  }
  const std::string path = PathOf(variables, "AWS_SHARED_CREDENTIALS_FILE", "credentials");
  const std::string name = ProfileName(variables, profile);
  ASSAY_ASSIGN(const std::optional<ProfileFile> file, ReadCredentialsFile(path));
  if (file && file->contains(name)) {
    const auto& values = file->at(name);
    const auto value = [&](const char* key) {
      const auto place = values.find(key);
      return place == values.end() ? std::string_view() : place->second.view();
    };
    credentials.access_key_id = value("aws_access_key_id");
    credentials.secret_key = crypto::SecretString::Copy(value("aws_secret_access_key"));
    credentials.session_token = crypto::SecretString::Copy(value("aws_session_token"));
    if (!credentials.access_key_id.empty() && !credentials.secret_key.empty()) return credentials;
  }
  return Fail(Code::kUnauthenticated,
              fmt::format("no AWS credentials: neither AWS_ACCESS_KEY_ID with "
                          "AWS_SECRET_ACCESS_KEY, nor a whole profile [{}] in {}",
                          name, path.empty() ? "~/.aws/credentials" : path));
}

Result<std::string> FindAwsRegion(const Variables& variables, std::string_view profile) {
  for (const std::string_view variable : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
    if (std::string region = variables(variable); !region.empty()) return region;
  }
  const std::string name = ProfileName(variables, profile);
  const auto region_in = [&](const std::optional<ProfileFile>& file, const std::string& section) {
    if (!file || !file->contains(section)) return std::string();
    const auto place = file->at(section).find("region");
    return place == file->at(section).end() ? std::string() : std::string(place->second.view());
  };
  ASSAY_ASSIGN(
      const std::optional<ProfileFile> shared,
      ReadCredentialsFile(PathOf(variables, "AWS_SHARED_CREDENTIALS_FILE", "credentials")));
  if (std::string region = region_in(shared, name); !region.empty()) return region;
  const std::string path = PathOf(variables, "AWS_CONFIG_FILE", "config");
  if (!path.empty()) {
    const auto text = core::FileSystem::Real().ReadFile(path, kMaxFileBytes);
    if (text) {
      ASSAY_ASSIGN(ProfileFile file, ReadProfileFile(*text, path));
      const std::optional<ProfileFile> config(std::move(file));
      const std::string section = name == "default" ? name : "profile " + name;
      if (std::string region = region_in(config, section); !region.empty()) return region;
    } else if (text.error().code != Code::kNotFound) {
      return std::unexpected(text.error());
    }
  }
  return Fail(Code::kInvalidArgument, "no AWS region: set AWS_REGION, or name one");
}

}  // namespace assay::embed
