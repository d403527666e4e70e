#include <prefiqs/error.h>

#include <array>
#include <cstddef>

namespace prefiqs {
namespace {

// Indexed by the enumerators; a test holds the order.
constexpr std::array<ErrorInfo, 7> kErrors{{
    {ErrorCode::kUsage, "usage", "an option or argument cannot be meant", 2, 400},
    {ErrorCode::kNotAvailable, "not_available", "not part of this version", 2, 501},
    {ErrorCode::kModel, "model", "the network cannot be used", 3, 422},
    {ErrorCode::kRecipe, "recipe", "the recipe cannot be used", 3, 422},
    {ErrorCode::kIo, "io", "a file cannot be read or written", 4, 500},
    {ErrorCode::kReaderGone, "reader_gone", "nobody reads the output any more", 4, 500},
    {ErrorCode::kInternal, "internal", "a fault of this program; please report it", 70, 500},
}};

constexpr std::array<StatusInfo, 12> kStatuses{{
    {Status::kOk, "ok", "scored"},
    {Status::kUnreadable, "unreadable", "the file cannot be opened or read"},
    {Status::kUndecodable, "undecodable", "not a picture, truncated, or of a format that is not supported"},
    {Status::kTooLarge, "too_large", "more bytes or pixels than the limits allow"},
    {Status::kNoFace, "no_face", "no face was found"},
    {Status::kFaceTooSmall, "face_too_small", "the face is under the wanted size"},
    {Status::kWrongShape, "wrong_shape", "the crop's aspect ratio does not fit the network"},
    {Status::kNoDirection, "no_direction", "an embedding is zero or not finite"},
    {Status::kNotComputed, "not_computed", "the network stopped while it ran on it"},
    {Status::kNotAFace, "not_a_face", "the crop shows no face"},
    {Status::kNotAligned, "not_aligned", "the crop's face is not aligned"},
    {Status::kTooManyFaces, "too_many_faces", "the picture has more faces than are allowed"},
}};

}  // namespace

const ErrorInfo& info(ErrorCode code) { return kErrors.at(static_cast<std::size_t>(code)); }
const StatusInfo& info(Status status) { return kStatuses.at(static_cast<std::size_t>(status)); }
std::span<const StatusInfo> statuses() { return kStatuses; }

}  // namespace prefiqs
