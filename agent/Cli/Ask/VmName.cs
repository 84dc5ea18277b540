namespace PinAgent.Cli.Ask;

/// <summary>How a person may call a VM on the command line.</summary>
internal static class VmName
{
    /// <summary>Whether a text means this VM: by its name, its name with the namespace, or its process id.</summary>
    public static bool Means(string text, string vmNamespace, string name, int pid) =>
        text == name
        || text == $"{vmNamespace}/{name}"
        || text == $"{vmNamespace}_{name}"
        || text == $"{pid}";
}
