using PinAgent.Model.Text;

namespace PinAgent.State;

/// <summary>Files of the state folder that can't be used: out of the way, and kept for who wants to know why.</summary>
internal static class SetAside
{
    /// <summary>What is behind the name of such a file.</summary>
    public const string Suffix = ".unusable";

    /// <summary>Renames a file; whatever had the new name before is gone.</summary>
    /// <returns>What was done, in words.</returns>
    public static string Rename(string path)
    {
        try
        {
            if (Directory.Exists(path) && new DirectoryInfo(path).LinkTarget is null)
            {
                Directory.Move(path, path + Suffix);
            }
            else
            {
                File.Move(path, path + Suffix, overwrite: true);
            }

            return $"set aside as {Path.GetFileName(path)}{Suffix}";
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return $"it can't be set aside either: {FileProblem.Describe(problem)}";
        }
    }
}
