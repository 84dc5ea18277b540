using System.Reflection;
using System.Text.RegularExpressions;
using PinAgent.Model.Cpu;
using PinAgent.Tests.Validate;
using Xunit;

namespace PinAgent.Tests.Rooms;

/// <summary>The layout's rules: which room may know which, and how large a file and a folder may be.</summary>
public sealed class RoomTests
{
    private const int LongestFile = 300;
    private const int MostFilesInAFolder = 15;

    // From the lowest to the highest: a room knows those before it and none after it.
    private static readonly string[] Rooms =
    [
        "NativeInterop",
        "Model",
        "Kubernetes",
        "Observe",
        "Plan",
        "Apply",
        "State",
        "Report",
        "Loop",
        "Cli",
    ];

    private static readonly string Repository = RepositoryFiles.Path("");

    [Fact]
    public void A_room_knows_only_the_rooms_below_it()
    {
        Assert.Empty(Where((from, to) => Room(from) < Room(to)));
    }

    [Fact]
    public void What_talks_with_the_API_server_knows_nothing_of_VMs()
    {
        Assert.Empty(
            Where(
                (from, to) =>
                    Rooms[Room(from)!.Value] == "Kubernetes"
                    && (
                        Outermost(to).Namespace == "PinAgent.Model.Vm"
                        || Outermost(to).Name.StartsWith("Vm", StringComparison.Ordinal)
                    )
            )
        );
    }

    // Which type knows one that it shouldn't.
    private static IEnumerable<string> Where(Func<Type, Type, bool> isWrong) =>
        typeof(CpuSet)
            .Assembly.GetTypes()
            .Where(type => Room(type) is not null)
            .SelectMany(type => Uses(type).Select(used => (From: type, To: used)))
            .Where(pair => isWrong(pair.From, pair.To))
            .Select(pair => $"{Outermost(pair.From).FullName} knows {pair.To.FullName}")
            .Distinct()
            .Order(StringComparer.Ordinal);

    [Fact]
    public void Every_type_of_the_agent_is_in_a_room()
    {
        var homeless = typeof(CpuSet)
            .Assembly.GetTypes()
            .Where(type =>
                Outermost(type).Namespace is { } name
                && name.StartsWith("PinAgent", StringComparison.Ordinal)
                && Room(type) is null
            )
            .Select(type => type.FullName);
        Assert.Empty(homeless);
    }

    [Fact]
    public void Namespaces_follow_folders()
    {
        var wrong = Sources("agent")
            .Where(file => Namespace(file) is { } found && found != Expected(file))
            .Select(file =>
                $"{file}: expected namespace {Expected(file)}, found {Namespace(file)}"
            );
        Assert.Empty(wrong);
    }

    [Fact]
    public void No_file_is_too_long_and_no_folder_too_full()
    {
        var files = Sources("agent").Concat(Sources("native-interop")).ToList();
        var longFiles = files
            .Select(file => (file, Lines: File.ReadLines(Path.Combine(Repository, file)).Count()))
            .Where(file => file.Lines > LongestFile)
            .Select(file => $"{file.file}: {file.Lines} lines, expected {LongestFile} at most");
        var fullFolders = files
            .GroupBy(file => Path.GetDirectoryName(file)!)
            .Where(folder => folder.Count() > MostFilesInAFolder)
            .Select(folder =>
                $"{folder.Key}: {folder.Count()} files, expected {MostFilesInAFolder} at most"
            );
        Assert.Empty(longFiles.Concat(fullFolders));
    }

    [Fact]
    public void Every_folder_of_a_room_is_named_where_the_layout_is_told()
    {
        var text = RepositoryFiles.Text("CONTRIBUTING.md");
        var unnamed = Sources("agent")
            .Select(file => file.Split('/'))
            .Where(path => path.Length > 3)
            .Select(path => (Room: path[1], Folder: path[2]))
            .Distinct()
            .Where(one => !Told(one.Room).Contains($" {one.Folder}/", StringComparison.Ordinal))
            .Select(one => $"{one.Room}/{one.Folder}/");
        Assert.Empty(unnamed);

        // From the room's line to that of the next one.
        string Told(string room)
        {
            var begin = text.IndexOf($"\n  {room}/ ", StringComparison.Ordinal);
            Assert.True(begin >= 0, room);
            var end = text.IndexOf('\n', begin + 1) + 1;
            // A line that goes on is indented further.
            while (text.AsSpan(end).StartsWith("     ", StringComparison.Ordinal))
            {
                end = text.IndexOf('\n', end) + 1;
            }

            return text[begin..end];
        }
    }

    // What its signatures, fields and method bodies name: a body's locals and the members it calls.
    private static IEnumerable<Type> Uses(Type type)
    {
        const BindingFlags Own =
            BindingFlags.Public
            | BindingFlags.NonPublic
            | BindingFlags.Instance
            | BindingFlags.Static
            | BindingFlags.DeclaredOnly;
        var named = new HashSet<Type>();
        foreach (var member in type.GetMembers(Own))
        {
            switch (member)
            {
                case FieldInfo field:
                    named.Add(field.FieldType);
                    break;
                case MethodBase method:
                    named.UnionWith(method.GetParameters().Select(one => one.ParameterType));
                    named.UnionWith(
                        method.GetMethodBody()?.LocalVariables.Select(local => local.LocalType)
                            ?? []
                    );
                    named.UnionWith(Called(method));
                    if (method is MethodInfo { ReturnType: var answer })
                    {
                        named.Add(answer);
                    }

                    break;
            }
        }

        return named.SelectMany(Parts).Where(part => Room(part) is not null);
    }

    // Any four bytes of the body that are a token of a type or a member count. A number that happens to look like one
    // would name a type of this assembly by chance; none does.
    private static IEnumerable<Type> Called(MethodBase method)
    {
        var body = method.GetMethodBody()?.GetILAsByteArray() ?? [];
        for (var at = 0; at + 4 < body.Length; at++)
        {
            // call, callvirt, newobj, ldsfld, ldfld, isinst, castclass, ldftn: the last of two bytes, and ldloc.0 alone.
            if (
                body[at] is not (0x28 or 0x6F or 0x73 or 0x7E or 0x7B or 0x75 or 0x74 or 0x06)
                || (body[at] == 0x06 && (at == 0 || body[at - 1] != 0xFE))
            )
            {
                continue;
            }

            Type? found = null;
            try
            {
                var member = method.Module.ResolveMember(
                    BitConverter.ToInt32(body, at + 1),
                    method.DeclaringType?.GetGenericArguments(),
                    method.IsGenericMethod ? method.GetGenericArguments() : null
                );
                found = member as Type ?? member?.DeclaringType;
            }
            catch (ArgumentException)
            {
                // No token.
            }
            catch (BadImageFormatException)
            {
                // No token either.
            }

            if (found is not null)
            {
                yield return found;
            }
        }
    }

    private static IEnumerable<Type> Parts(Type type) =>
        type.HasElementType ? Parts(type.GetElementType()!)
        : type.IsGenericType
            ? type.GetGenericArguments().SelectMany(Parts).Append(type.GetGenericTypeDefinition())
        : [type];

    private static Type Outermost(Type type) =>
        type.DeclaringType is { } outer ? Outermost(outer) : type;

    private static int? Room(Type type) =>
        Outermost(type).Namespace?.Split('.') is ["PinAgent", var room, ..]
        && Array.IndexOf(Rooms, room) is var index and >= 0
            ? index
            : null;

    private static IEnumerable<string> Sources(string folder) =>
        Directory
            .EnumerateFiles(Path.Combine(Repository, folder), "*.cs", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(Repository, file));

    private static string? Namespace(string file) =>
        Regex.Match(
            File.ReadAllText(Path.Combine(Repository, file)),
            "^namespace (?<name>[^;]+);",
            RegexOptions.Multiline | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking
        )
            is { Success: true } match
            ? match.Groups["name"].Value
            : null;

    private static string Expected(string file) =>
        string.Join(
            '.',
            Path.GetDirectoryName(file)!
                .Split('/')
                .Select((part, index) => index == 0 ? "PinAgent" : part)
        );
}
