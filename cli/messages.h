// What is said on standard error.
#ifndef PREFIQS_CLI_MESSAGES_H_
#define PREFIQS_CLI_MESSAGES_H_

#include <cstdio>
#include <string>

namespace prefiqs::cli {

// A standard error that is closed or full must not end a run.
inline void Say(const std::string& text) { std::fputs(text.c_str(), stderr); }

}  // namespace prefiqs::cli

#endif  // PREFIQS_CLI_MESSAGES_H_
