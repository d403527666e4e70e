// The two ways things go wrong.
//
// Loading and configuring throws `Error`: there is nothing sensible to go on with, and the message says what to do.
// Trouble with one picture never throws: it is a `Status` in that picture's result, and the batch goes on.
#ifndef PREFIQS_ERROR_H_
#define PREFIQS_ERROR_H_

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include <prefiqs/version.h>

namespace prefiqs {

enum class ErrorCode {
  kUsage,         // an option or argument that cannot be meant
  kNotAvailable,  // asked for by name, known, but not part of this version
  kModel,         // a network file that is broken, hostile or uses what this program does not run
  kRecipe,        // a pruning recipe that is malformed or does not fit the network
  kIo,            // a file that cannot be read or written
  kReaderGone,    // an output is a pipe, and whoever read it has gone
  kInternal,      // a broken promise of this library's own; please report
};

// What the world outside sees of an ErrorCode. The only table of its kind.
struct ErrorInfo {
  ErrorCode code;
  std::string_view name;  // stable token, e.g. "model"
  std::string_view text;  // one line for people
  int exit_status;        // of the command line program
  int http_status;        // of the server
};
PREFIQS_API const ErrorInfo& info(ErrorCode code);

// Message: names the file, node, line or option, the cause, and what to do. Thread-safe to copy.
class PREFIQS_API Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

// Outcome for one face of one picture. Anything but kOk means: no score (kNotAFace, kNotAligned: none to rely on).
enum class Status {
  kOk,
  kUnreadable,    // the file could not be opened or read
  kUndecodable,   // not a picture, a truncated one, or a format that is not supported
  kTooLarge,      // more bytes or pixels than the limits allow
  kNoFace,        // the detector found none
  kFaceTooSmall,  // the face's box is under the wanted size
  kWrongShape,    // an aligned crop whose aspect ratio does not fit the network
  kNoDirection,   // an embedding is zero or not finite, so there is no drift
  kNotComputed,   // a network stopped while it ran on it, e.g. at an integer division by zero
  kNotAFace,      // the guard sees no face in the crop; drift, quality and norm are there all the same
  kNotAligned,    // the face of an aligned crop is not where alignment puts it; numbers as for kNotAFace
  kTooManyFaces,  // the picture has more faces than AssessorOptions::max_faces; none of them is assessed
};

struct StatusInfo {
  Status status;
  std::string_view name;  // stable token used in CSV and JSON, e.g. "no_face"
  std::string_view text;  // one line for people
};
PREFIQS_API const StatusInfo& info(Status status);
PREFIQS_API std::span<const StatusInfo> statuses();  // all of them

}  // namespace prefiqs

#endif  // PREFIQS_ERROR_H_
