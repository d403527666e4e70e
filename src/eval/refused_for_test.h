// What a reader says of a file that it does not take.
#ifndef PREFIQS_EVAL_REFUSED_FOR_TEST_H_
#define PREFIQS_EVAL_REFUSED_FOR_TEST_H_

#include <string>

#include <prefiqs/error.h>

namespace prefiqs::eval {

template <typename Function>
std::string Refused(Function&& function) {
  try {
    function();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

}  // namespace prefiqs::eval

#endif  // PREFIQS_EVAL_REFUSED_FOR_TEST_H_
