// The option --method.
#ifndef PREFIQS_CLI_METHOD_OPTION_H_
#define PREFIQS_CLI_METHOD_OPTION_H_

#include <string>
#include <string_view>

#include <prefiqs/assessor.h>

namespace prefiqs::cli {

// Before the file of a quality network.
inline constexpr std::string_view kNetworkMethod = "onnx:";

// Throws Error(kUsage), or Error(kNotAvailable) for what is to come.
Method ParseMethod(const std::string& text);

}  // namespace prefiqs::cli

#endif  // PREFIQS_CLI_METHOD_OPTION_H_
