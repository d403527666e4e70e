#include "input/verification_bin.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <optional>

#include "base/count.h"
#include "base/file.h"
#include "image/format.h"
#include "input/pickle.h"

namespace prefiqs::input {
namespace {

using Kind = PickleValue::Kind;

bool IsSequence(const PickleValue& value) { return value.kind == Kind::kList || value.kind == Kind::kTuple; }

// Empty unless the value is bytes or an array of one axis (NumPy's np.frombuffer(encoded, np.uint8)).
std::optional<EncodedImage> AsImage(const Pickle& pickle, const PickleValue& value) {
  if (value.kind == Kind::kArray) {
    const PickleArray& array = pickle.array(value);
    if (array.is_bool || array.shape.size() != 1) return std::nullopt;
    return AsImage(pickle, array.data);
  }
  if (value.kind == Kind::kRawBytes) return EncodedImage{value.a, value.b, nullptr};
  if (value.kind == Kind::kHeldBytes) {
    auto held = pickle.held(value);
    const auto length = static_cast<std::int64_t>(held->size());
    return EncodedImage{-1, length, std::move(held)};
  }
  return std::nullopt;
}

std::vector<bool> AsBooleans(const Pickle& pickle, const RandomAccess& source, const PickleValue& value) {
  std::vector<bool> same;
  if (IsSequence(value)) {
    for (const PickleValue& item : pickle.items(value)) {
      const bool boolean = item.kind == Kind::kBool || (item.kind == Kind::kInt && (item.a == 0 || item.a == 1));
      if (!boolean) throw PickleError(fmt::format("entry {} of the second list is not a boolean", same.size()));
      same.push_back(item.a != 0);
    }
    return same;
  }
  if (value.kind != Kind::kArray || !pickle.array(value).is_bool || pickle.array(value).shape.size() != 1)
    throw PickleError("its second part is not a list of booleans");
  const PickleValue& data = pickle.array(value).data;
  std::vector<std::uint8_t> bytes;
  if (data.kind == Kind::kHeldBytes) bytes = *pickle.held(data);
  if (data.kind == Kind::kRawBytes) {
    bytes.resize(static_cast<std::size_t>(data.b));
    source.Read(data.a, bytes);
  }
  same.assign(bytes.begin(), bytes.end());
  return same;
}

VerificationSet ToSet(const Pickle& pickle, const RandomAccess& source) {
  if (!IsSequence(pickle.root()) || pickle.items(pickle.root()).size() != 2)
    throw PickleError("it does not hold a pair (pictures, same or not)");
  const PickleValue pictures = pickle.items(pickle.root())[0];
  if (!IsSequence(pictures)) throw PickleError("its first part is not a list of pictures");
  VerificationSet set;
  for (const PickleValue& item : pickle.items(pictures)) {
    std::optional<EncodedImage> image = AsImage(pickle, item);
    if (!image)
      throw PickleError(fmt::format("entry {} of the first list is not an encoded picture", set.images.size()));
    set.images.push_back(std::move(*image));
  }
  set.same = AsBooleans(pickle, source, pickle.items(pickle.root())[1]);
  if (set.images.size() != 2 * set.same.size()) {
    throw PickleError(fmt::format("{} {} not make {}", Count(set.images.size(), "picture"),
                                  WordFor(set.images.size(), "does", "do"), Count(set.same.size(), "pair")));
  }
  return set;
}

}  // namespace

bool IsNamedBin(std::string_view path) {
  constexpr std::string_view kExtension = ".bin";
  if (path.size() < kExtension.size()) return false;
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
  return std::ranges::equal(path.substr(path.size() - kExtension.size()), kExtension, same);
}

bool IsVerificationSet(const std::string& path) {
  constexpr std::uint8_t kProtocol = 0x80, kFirstBinary = 2, kNewest = 5;
  try {
    const std::unique_ptr<const RegularFile> file = RegularFile::Open(path);
    if (file == nullptr) return IsNamedBin(path);
    std::vector<std::uint8_t> first(
        static_cast<std::size_t>(std::min<std::int64_t>(file->size(), std::int64_t{image::kBytesThatTell})));
    file->Read(0, first);
    if (first.size() >= 2 && first[0] == kProtocol && first[1] >= kFirstBinary && first[1] <= kNewest) return true;
    return IsNamedBin(path) && !image::BeginsAsPicture(first);
  } catch (const Error&) {
    return IsNamedBin(path);
  }
}

std::string NameInSet(std::string_view path, std::size_t index) { return fmt::format("{}#{}", path, index); }

VerificationSet ReadVerificationBin(const RandomAccess& source, const std::string& name) {
  try {
    return ToSet(Pickle(source), source);
  } catch (const PickleError& error) {
    throw Error(ErrorCode::kIo,
                fmt::format("{}: not a verification set that can be read: {}", Printable(name), error.what()));
  }
}

VerificationSet ReadVerificationBin(const std::string& path) { return ReadVerificationBin(*OpenFile(path), path); }

}  // namespace prefiqs::input
