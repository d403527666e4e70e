#include "eval/evaluation_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/count.h"
#include "base/file.h"
#include "eval/identity_list.h"
#include "eval/name_index.h"
#include "eval/npy_matrix.h"
#include "eval/pair_list.h"
#include "eval/qualities.h"
#include "eval/table_file.h"
#include "eval/templates.h"

namespace prefiqs::eval {
namespace {

constexpr std::string_view kAll = "all";  // in place of a list of pairs
constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

// The rows that are compared, each picture's first.
struct Images {
  std::vector<std::string> paths;
  std::vector<std::size_t> row;
};

std::string AtLine(const std::string& list, std::size_t line) {
  return line == 0 ? Printable(list) : fmt::format("{}, line {},", Printable(list), line);
}

// Numbers the pictures that lists name in the order in which they do.
class ImagesOfRows {
 public:
  explicit ImagesOfRows(const Table& rows) : rows_path_(rows.path), all_(FirstRows(rows)), index_(all_.paths) {}

  // Throws Error(kUsage) for a name of the file `list`, in this line of it (0: unknown), that has no row.
  std::uint32_t Find(const std::string& name, const std::string& list, std::size_t line = 0) {
    if (const auto found = TryFind(name)) return *found;
    throw Error(ErrorCode::kUsage, fmt::format("{}: {} of {} has no row there", Printable(rows_path_), Printable(name),
                                               AtLine(list, line)));
  }

  std::optional<std::uint32_t> TryFind(const std::string& name) {
    if (const auto found = known_.find(name); found != known_.end()) return found->second;
    const auto place = index_.Find(name);
    if (!place) return std::nullopt;
    const auto [entry, is_new] = number_.emplace(*place, static_cast<std::uint32_t>(found_.paths.size()));
    if (is_new) {
      found_.paths.push_back(all_.paths[*place]);
      found_.row.push_back(all_.row[*place]);
    }
    known_.emplace(name, entry->second);
    return entry->second;
  }

  Images Found() && { return std::move(found_); }

 private:
  static Images FirstRows(const Table& rows) {
    const std::size_t column = NameColumn(rows);
    Images first;
    std::unordered_set<std::string> seen;
    for (std::size_t i = 0; i < rows.rows.size(); ++i) {
      const std::string& path = rows.rows[i][column];
      if (!seen.insert(path).second) continue;  // further faces of it
      first.paths.push_back(path);
      first.row.push_back(i);
    }
    return first;
  }

  std::string rows_path_;
  Images all_, found_;
  NameIndex index_;
  std::unordered_map<std::uint32_t, std::uint32_t> number_;  // of those found, by their place in all
  std::unordered_map<std::string, std::uint32_t> known_;
};

Images TakeImages(const EvaluationOptions& options, const Table& rows, const PairList& list, EvaluationSet& set) {
  ImagesOfRows images(rows);
  for (const NamedPair& pair : list.pairs) {
    set.comparisons.first.push_back(images.Find(pair.first, options.pairs, pair.line));
    set.comparisons.second.push_back(images.Find(pair.second, options.pairs, pair.line));
    set.comparisons.mated.push_back(pair.mated);
    set.fold.push_back(pair.fold);
  }
  set.folds = list.folds;
  Images found = std::move(images).Found();
  set.images = found.paths;
  return found;
}

// The pictures of the templates that are compared.
Images TakeTemplates(const EvaluationOptions& options, const Table& rows, EvaluationSet& set,
                     std::vector<TemplateMember>& members) {
  TemplatePairs pairs = ReadTemplatePairs(options.pairs);
  ImagesOfRows images(rows);
  for (const TemplatePicture& picture : ReadTemplatePictures(options.templates, pairs)) {
    members.push_back({images.Find(picture.name, options.templates), picture.of, picture.medium});
  }
  set.comparisons = std::move(pairs.comparisons);
  for (const std::uint32_t id : pairs.ids) set.images.push_back(fmt::format("template {}", id));
  return std::move(images).Found();
}

// People by name where the list has them, else the groups that mated pairs connect.
void Identify(const PairList& list, EvaluationSet& set) {
  const Comparisons& c = set.comparisons;
  std::vector<std::uint32_t> parent(set.images.size());
  std::iota(parent.begin(), parent.end(), 0u);
  const auto root = [&](std::uint32_t i) {
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
  };
  std::unordered_map<std::string, std::uint32_t> of_name;
  const auto join_name = [&](const std::string& name, std::uint32_t image) {
    if (name.empty()) return;
    const auto [entry, is_new] = of_name.emplace(name, image);
    if (!is_new) parent[root(image)] = root(entry->second);
  };
  for (std::size_t i = 0; i < list.pairs.size(); ++i) {
    join_name(list.pairs[i].first_identity, c.first[i]);
    join_name(list.pairs[i].second_identity, c.second[i]);
  }
  for (std::size_t i = 0; i < c.size(); ++i) {
    if (c.mated[i]) parent[root(c.first[i])] = root(c.second[i]);
  }
  for (std::size_t i = 0; i < c.size(); ++i) {
    if (c.mated[i] || root(c.first[i]) != root(c.second[i])) continue;
    throw Error(ErrorCode::kUsage,
                fmt::format("pair {} ({}, {}): said to be of different people, and by names or other pairs of the same",
                            i + 1, Printable(set.images[c.first[i]]), Printable(set.images[c.second[i]])));
  }
  std::unordered_map<std::uint32_t, std::uint32_t> number;
  for (std::uint32_t i = 0; i < set.images.size(); ++i) {
    set.identity.push_back(number.emplace(root(i), static_cast<std::uint32_t>(number.size())).first->second);
  }
  set.identities = number.size();
}

NpyReader OpenEmbeddings(const std::string& path, const Table& rows) {
  NpyReader file(path);
  if (file.rows() != rows.rows.size()) {
    throw Error(ErrorCode::kUsage, fmt::format("{}: {}, {} has {}", Printable(path), Count(file.rows(), "row"),
                                               Printable(rows.path), rows.rows.size()));
  }
  return file;
}

// The pictures of lists that say who is on them, in the lists' order; several may name one.
Images TakeIdentified(const EvaluationOptions& options, const Table& rows, EvaluationSet& set) {
  ImagesOfRows images(rows);
  std::unordered_map<std::string, std::uint32_t> people;
  for (const std::string& file : options.identities) {
    for (const NamedPerson& person : ReadIdentities(file)) {
      std::optional<std::uint32_t> image;
      for (const std::string& name : person.names) image = image ? image : images.TryFind(name);
      if (!image) {
        throw Error(ErrorCode::kUsage, fmt::format("{}: line {}: {} has no row in {}", Printable(file), person.line,
                                                   Printable(person.names[0]), Printable(options.rows)));
      }
      const std::uint32_t id = people.emplace(person.identity, static_cast<std::uint32_t>(people.size())).first->second;
      if (*image == set.identity.size()) {
        set.identity.push_back(id);
      } else if (set.identity[*image] != id) {
        throw Error(ErrorCode::kUsage,
                    fmt::format("{}: line {}: {} is said to be of {}, and of somebody else before", Printable(file),
                                person.line, Printable(person.names[0]), Printable(person.identity)));
      }
    }
  }
  set.identities = people.size();
  Images found = std::move(images).Found();
  set.images = found.paths;
  return found;
}

// Every picture's first row; people are the column identity, else the folder that the picture lies in.
Images TakeAllImages(const EvaluationOptions& options, const Table& rows, EvaluationSet& set) {
  const std::size_t column = NameColumn(rows);
  const auto identity = rows.Find("identity");
  Images images;
  std::unordered_map<std::string, std::uint32_t> people;
  std::unordered_map<std::string, std::size_t> seen;
  for (std::size_t i = 0; i < rows.rows.size(); ++i) {
    const std::string& path = rows.rows[i][column];
    if (!seen.emplace(path, i).second) continue;
    images.paths.push_back(path);
    images.row.push_back(i);
    const std::size_t slash = path.rfind('/');
    if (!identity && slash == std::string::npos) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("{}: line {}: {} is in no folder, and there is no column identity: who "
                              "is it?",
                              Printable(options.rows), rows.lines[i], Printable(path)));
    }
    const std::string person = identity ? rows.rows[i][*identity] : path.substr(0, slash);
    set.identity.push_back(people.emplace(person, static_cast<std::uint32_t>(people.size())).first->second);
  }
  set.identities = people.size();
  set.images = images.paths;
  return images;
}

// An image's row; empty where there is no direction.
using Units = std::vector<std::vector<float>>;

Units UnitRows(const NpyReader& file, const std::vector<std::size_t>& rows) {
  Units units;
  std::vector<float> values(file.columns());
  for (const std::size_t row : rows) {
    file.ReadRow(row, values);
    double squares = 0;
    for (const float v : values) squares += static_cast<double>(v) * v;
    std::vector<float>& unit = units.emplace_back();
    if (!std::isfinite(squares) || squares == 0) continue;
    unit.reserve(values.size());
    for (const float v : values) unit.push_back(static_cast<float>(v / std::sqrt(squares)));
  }
  return units;
}

// Zeros where a row is empty in either; several are put side by side and share their length.
Matrix SideBySide(std::span<const Units* const> parts, std::size_t columns) {
  Matrix matrix{parts[0]->size(), columns * parts.size(), {}};
  matrix.values.resize(matrix.rows * matrix.columns);
  const auto scale = static_cast<float>(1 / std::sqrt(static_cast<double>(parts.size())));
  for (std::size_t i = 0; i < matrix.rows; ++i) {
    if (std::ranges::any_of(parts, [&](const auto* part) { return (*part)[i].empty(); })) continue;
    float* out = matrix.values.data() + i * matrix.columns;
    for (const auto* part : parts) {
      out = std::ranges::transform((*part)[i], out, [&](float v) { return v * scale; }).out;
    }
  }
  return matrix;
}

float Cosine(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.empty() || b.empty()) return -std::numeric_limits<float>::infinity();
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return static_cast<float>(sum);
}

std::vector<float> Similarities(const Comparisons& c, const Units& units) {
  std::vector<float> similarities;
  similarities.reserve(c.first.size());
  for (std::size_t i = 0; i < c.first.size(); ++i) {
    similarities.push_back(Cosine(units[c.first[i]], units[c.second[i]]));
  }
  return similarities;
}

void CheckPairsGoWith(const EvaluationOptions& options) {
  if (!options.identities.empty() && options.pairs != kAll) {
    throw Error(ErrorCode::kUsage, fmt::format("{}: a list of identities goes with the pairs {}, not with {}",
                                               Printable(options.identities[0]), kAll, Printable(options.pairs)));
  }
  if (options.templates.empty() || options.pairs != kAll) return;
  throw Error(ErrorCode::kUsage,
              fmt::format("{}: templates are compared as a list says, not all with all", Printable(options.templates)));
}

// Which images have an embedding. Fills in the similarities, or all rows where all pairs are to be compared. members:
// empty where images are compared.
std::vector<bool> Compare(const EvaluationOptions& options, const Table& rows, const Images& images,
                          const std::vector<TemplateMember>& members, EvaluationSet& set) {
  Comparisons& c = set.comparisons;
  const NpyReader plain = OpenEmbeddings(options.embeddings, rows);
  const auto of_templates = [&](const std::vector<const NpyReader*>& added) {
    return TemplateEmbeddings(added, images.row, members, set.images.size());
  };
  const Units units = members.empty() ? UnitRows(plain, images.row) : of_templates({&plain});
  std::vector<bool> compared;
  for (const auto& unit : units) compared.push_back(!unit.empty());
  set.not_compared = static_cast<std::size_t>(std::ranges::count_if(units, [](const auto& u) { return u.empty(); }));
  c.similarity = Similarities(c, units);
  if (set.all_pairs) {
    const std::array alone{&units};
    set.unit = SideBySide(alone, plain.columns());
  }
  if (options.mirrored.empty()) return compared;
  const NpyReader mirrored = OpenEmbeddings(options.mirrored, rows);
  if (mirrored.columns() != plain.columns()) {
    throw Error(ErrorCode::kUsage,
                fmt::format("{}: {}, {} has {}", Printable(options.mirrored), Count(mirrored.columns(), "column"),
                            Printable(options.embeddings), plain.columns()));
  }
  if (!members.empty()) {
    set.mirrored = Similarities(c, of_templates({&plain, &mirrored}));
    return compared;
  }
  const Units mirrors = UnitRows(mirrored, images.row);
  if (set.all_pairs) {
    const std::array both{&units, &mirrors};
    set.unit_mirrored = SideBySide(both, plain.columns());
  }
  set.mirrored = Similarities(c, mirrors);
  for (std::size_t i = 0; i < c.size(); ++i) set.mirrored[i] = (c.similarity[i] + set.mirrored[i]) / 2;
  return compared;
}

}  // namespace

EvaluationSet ReadEvaluationSet(const EvaluationOptions& options) {
  EvaluationSet set;
  set.all_pairs = options.pairs == kAll;
  const bool of_templates = !options.templates.empty();
  CheckPairsGoWith(options);
  const PairList list = set.all_pairs || of_templates ? PairList() : ReadPairList(options.pairs);
  const Table rows = ReadTable(options.rows);
  if (!list.form.empty()) set.forms.push_back({options.pairs, list.form});
  set.forms.push_back({options.rows, rows.form});
  std::vector<TemplateMember> members;
  const Images images = of_templates                  ? TakeTemplates(options, rows, set, members)
                        : !options.identities.empty() ? TakeIdentified(options, rows, set)
                        : set.all_pairs               ? TakeAllImages(options, rows, set)
                                                      : TakeImages(options, rows, list, set);
  const std::vector<bool> compared = Compare(options, rows, images, members, set);
  Check(set.comparisons, set.images.size());
  if (!set.all_pairs) Identify(list, set);

  const auto add = [&](const std::string& name, std::vector<float> quality) {
    if (std::ranges::find(set.methods, name) != set.methods.end()) {
      throw Error(ErrorCode::kUsage, fmt::format("two methods are named {}", Printable(name)));
    }
    // What could not be compared is the worst for every method, whatever it says of it: methods differ by the others.
    std::size_t missing = 0;
    for (std::size_t i = 0; i < quality.size(); ++i) {
      if (!compared[i]) {
        quality[i] = kNone;
      } else {
        missing += std::isnan(quality[i]) ? 1 : 0;
      }
    }
    set.methods.push_back(name);
    set.qualities.push_back(std::move(quality));
    set.missing.push_back(missing);
  };
  const auto add_of_pictures = [&](const std::string& name, std::vector<float> quality) {
    add(name, of_templates ? TemplateQualities(quality, members, set.images.size(), options.skip_unscored)
                           : std::move(quality));
  };
  for (const QualitySource& source : options.qualities) {
    if (source.path.empty()) {
      std::vector<float> quality = Column(rows, source.column, images.row);
      for (float& q : quality) q = source.lower_is_better ? -q : q;
      add_of_pictures(source.name, std::move(quality));
    } else {
      EvaluationFile& file = set.forms.emplace_back(EvaluationFile{source.path, ""});
      add_of_pictures(source.name, ReadQuality(source, images.paths, &file.form));
    }
  }
  if (options.qualities.empty()) {
    for (const char* column : {"quality", "embedding_norm", "pruned_norm", "confidence", "sharpness", "uniformity"}) {
      if (!rows.Find(column)) continue;
      std::vector<float> values = Column(rows, column, images.row);
      if (!HasNumbers(values)) continue;
      if (std::string_view(column).ends_with("_norm") && AreOneNumber(values)) {
        set.left_out.emplace_back(column);
      } else {
        add_of_pictures(column, std::move(values));
      }
    }
  }
  add("random", RandomQuality(set.images.size(), options.seed));
  return set;
}

void CheckNames(const EvaluationOptions& options, const std::vector<std::string>& paths, const std::string& source) {
  const NameIndex index(paths);
  const auto check = [&](const std::string& name, const std::string& list, std::size_t line = 0) {
    if (index.Find(name)) return;
    throw Error(ErrorCode::kUsage,
                fmt::format("{} of {} is not among {}", Printable(name), AtLine(list, line), Printable(source)));
  };
  CheckPairsGoWith(options);
  for (const std::string& file : options.identities) {
    for (const NamedPerson& person : ReadIdentities(file)) {
      if (std::ranges::none_of(person.names, [&](const auto& name) { return index.Find(name).has_value(); })) {
        check(person.names[0], file);
      }
    }
  }
  if (!options.templates.empty()) {
    for (const TemplatePicture& picture : ReadTemplatePictures(options.templates, ReadTemplatePairs(options.pairs))) {
      check(picture.name, options.templates);
    }
  } else if (options.pairs != kAll) {
    for (const NamedPair& pair : ReadPairList(options.pairs).pairs) {
      check(pair.first, options.pairs, pair.line);
      check(pair.second, options.pairs, pair.line);
    }
  }
  for (const QualitySource& quality : options.qualities) {
    if (!quality.path.empty()) ReadQuality(quality, paths);
  }
}

}  // namespace prefiqs::eval
