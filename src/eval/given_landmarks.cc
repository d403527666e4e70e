// Which rows of a file of landmarks are of which picture.
#include <fmt/format.h>
#include <prefiqs/detector.h>

#include <algorithm>
#include <limits>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/hash.h"
#include "eval/landmark_file.h"
#include "input/source.h"

namespace prefiqs {
namespace {

constexpr std::uint32_t kSeveral = std::numeric_limits<std::uint32_t>::max();

std::string_view WithoutDots(std::string_view name) {
  while (name.starts_with("./") || name.starts_with("../")) name.remove_prefix(name[1] == '/' ? 2 : 3);
  return name;
}

std::string_view WithoutSuffix(std::string_view name) {
  return input::HasPictureSuffix(name) ? name.substr(0, name.rfind('.')) : name;
}

// Of a/b/c: a/b/c, b/c, c, until `take` returns true.
template <typename Take>
bool ForEachEnd(std::string_view name, Take&& take) {
  for (;;) {
    if (take(name)) return true;
    const std::size_t slash = name.find('/');
    if (slash == std::string_view::npos) return false;
    name.remove_prefix(slash + 1);
  }
}

bool IsSame(const Face& a, const Face& b) { return a.landmarks == b.landmarks; }

void Add(const eval::LandmarkRow& row, ContentHash& hash) {
  const Face& face = row.face;
  std::string text = fmt::format("{}\n{} {} {} {} {}", row.name, face.confidence, face.box.x, face.box.y,
                                 face.box.width, face.box.height);
  for (const Point& point : face.landmarks) text += fmt::format(" {} {}", point.x, point.y);
  text += '\n';
  hash.Add({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

}  // namespace

struct GivenLandmarks::Impl {
  // All rows of one name.
  struct Picture {
    std::string name;  // as the file has it
    std::size_t line = 0;
    std::vector<Face> faces;
  };
  // Pictures whose names differ by the suffix alone.
  struct Group {
    std::vector<std::uint32_t> members;
  };

  std::string path, form, hash;
  std::size_t faces = 0;
  std::vector<Picture> pictures;
  std::vector<Group> groups;
  // Keys lie in the names of `pictures`: whole ones without suffix, and all ends of these (kSeveral: of several
  // groups).
  std::unordered_map<std::string_view, std::uint32_t> by_name, by_end;

  const Picture* Find(std::string_view picture) const;
  const Picture* Chosen(std::uint32_t group, std::string_view picture) const;
};

namespace {

[[noreturn]] void FailBetween(std::string_view path, std::string_view picture, std::string_view a, std::string_view b) {
  throw Error(ErrorCode::kUsage, fmt::format("{}: the rows {} and {} may both be of {}", Printable(path), Printable(a),
                                             Printable(b), Printable(picture)));
}

}  // namespace

const GivenLandmarks::Impl::Picture* GivenLandmarks::Impl::Chosen(std::uint32_t group, std::string_view picture) const {
  const Group& found = groups[group];
  if (found.members.size() == 1) return &pictures[found.members[0]];
  const std::size_t suffix = WithoutSuffix(picture).size();
  for (const std::uint32_t member : found.members) {
    const std::string_view name = pictures[member].name;
    if (name.substr(WithoutSuffix(name).size()) == picture.substr(suffix)) return &pictures[member];
  }
  FailBetween(path, picture, pictures[found.members[0]].name, pictures[found.members[1]].name);
}

const GivenLandmarks::Impl::Picture* GivenLandmarks::Impl::Find(std::string_view picture) const {
  const std::string_view name = WithoutSuffix(WithoutDots(picture));
  const Picture* found = nullptr;
  ForEachEnd(name, [&](std::string_view end) {
    const auto at = by_name.find(end);
    if (at != by_name.end()) found = Chosen(at->second, picture);
    return found != nullptr;
  });
  if (found != nullptr) return found;
  const auto at = by_end.find(name);
  if (at == by_end.end()) return nullptr;
  if (at->second != kSeveral) return Chosen(at->second, picture);
  std::vector<std::string_view> named;
  for (const Group& group : groups) {
    const std::string_view row = pictures[group.members[0]].name;
    const std::string_view whole = WithoutSuffix(WithoutDots(row));
    if (whole.size() > name.size() && whole.ends_with(name) && whole[whole.size() - name.size() - 1] == '/') {
      named.push_back(row);
    }
    if (named.size() == 2) FailBetween(path, picture, named[0], named[1]);
  }
  return nullptr;
}

GivenLandmarks GivenLandmarks::load(const std::string& path) {
  eval::LandmarkList list = eval::ReadLandmarks(path);
  auto impl = std::make_shared<Impl>();
  impl->path = path;
  impl->form = std::move(list.form);
  ContentHash hash;
  std::unordered_map<std::string, std::uint32_t> place;
  for (eval::LandmarkRow& row : list.rows) {
    Add(row, hash);
    const auto [at, is_new] = place.emplace(row.name, static_cast<std::uint32_t>(impl->pictures.size()));
    if (is_new) {
      impl->pictures.push_back({std::move(row.name), row.line, {row.face}});
      continue;
    }
    Impl::Picture& picture = impl->pictures[at->second];
    if (std::ranges::any_of(picture.faces, [&](const Face& face) { return IsSame(face, row.face); })) continue;
    if (!list.several_faces) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("{}: line {}: other points of {} than line {} has; leave one out, or number the faces in "
                              "a column face",
                              Printable(path), row.line, Printable(picture.name), picture.line));
    }
    picture.faces.push_back(row.face);
  }
  impl->hash = hash.Hex();
  for (const Impl::Picture& picture : impl->pictures) impl->faces += picture.faces.size();
  for (std::uint32_t i = 0; i < impl->pictures.size(); ++i) {
    const std::string_view name = WithoutSuffix(WithoutDots(impl->pictures[i].name));
    const auto [at, is_new] = impl->by_name.emplace(name, static_cast<std::uint32_t>(impl->groups.size()));
    if (is_new) impl->groups.emplace_back();
    impl->groups[at->second].members.push_back(i);
  }
  for (const auto& entry : impl->by_name) {
    ForEachEnd(entry.first, [&](std::string_view end) {
      if (end.size() == entry.first.size()) return false;  // whole names are found by by_name
      const auto [at, is_new] = impl->by_end.emplace(end, entry.second);
      if (!is_new && at->second != entry.second) at->second = kSeveral;
      return false;
    });
  }
  GivenLandmarks landmarks;
  landmarks.impl_ = std::move(impl);
  return landmarks;
}

std::span<const Face> GivenLandmarks::find(std::string_view picture) const {
  const Impl::Picture* const found = impl_->Find(picture);
  return found == nullptr ? std::span<const Face>() : std::span<const Face>(found->faces);
}

GivenLandmarks::Coverage GivenLandmarks::coverage(std::span<const std::string_view> pictures) const {
  Coverage coverage;
  std::vector<bool> used(impl_->pictures.size());
  for (const std::string_view picture : pictures) {
    const Impl::Picture* const found = impl_->Find(picture);
    if (found == nullptr) {
      ++coverage.without_row;
    } else {
      used[static_cast<std::size_t>(found - impl_->pictures.data())] = true;
    }
  }
  for (std::size_t i = 0; i < used.size(); ++i) coverage.unused += used[i] ? 0 : impl_->pictures[i].faces.size();
  return coverage;
}

const std::string& GivenLandmarks::path() const { return impl_->path; }
const std::string& GivenLandmarks::form() const { return impl_->form; }
std::size_t GivenLandmarks::faces() const { return impl_->faces; }
const std::string& GivenLandmarks::content_hash() const { return impl_->hash; }

}  // namespace prefiqs
