// assay validate
#pragma once
#include "command.h"

namespace assay::cli {

void AddValidateCommand(CLI::App& app, Invocation& invocation);

}  // namespace assay::cli
